"""Compute as a whole: its nouns and its neighbours."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cumulo.block_storage.interface import BlockStorage
from cumulo.compute.interface import MetalNodes
from cumulo.compute.model.server import MigrationRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.actions import Actions
from cumulo.compute.service.devices import Devices
from cumulo.compute.service.evacuation import Evacuation
from cumulo.compute.service.flavors import Flavors
from cumulo.compute.service.groups import Groups
from cumulo.compute.service.hosts import Hosts, Ratios
from cumulo.compute.service.keypairs import KeyPairs
from cumulo.compute.service.making import Making
from cumulo.compute.service.metadata import Metadata
from cumulo.compute.service.metal import Metal
from cumulo.compute.service.operations import Operations
from cumulo.compute.service.precaching import Precaching
from cumulo.compute.service.resizing import Resizing
from cumulo.compute.service.scheduling import USUAL_CHOICE, Choice
from cumulo.compute.service.servers import Servers
from cumulo.compute.service.snapshots import Snapshots
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.quotas.quotas import Quotas
from cumulo.core.work.jobs import Jobs
from cumulo.image.interface import Images
from cumulo.network.interface import Network
from cumulo.placement.interface import Placement

QUOTAS = {
    "servers": 10,
    "class:VCPU": 20,
    "class:MEMORY_MB": 50 * 1024,
    "server_metadata_items": 128,
    "server_key_pairs": 100,
    "server_groups": 10,
    "server_group_members": 10,
    "server_injected_files": 5,
    "server_injected_file_content_bytes": 10 * 1024,
    "server_injected_file_path_bytes": 255,
    # What was nova-network's: kept for who sets it, and counted by the network service only.
    "floating_ips": -1,
    "fixed_ips": -1,
    "security_groups": -1,
    "security_group_rules": -1,
}
"""Nova's names of its unified limits."""
LEGACY_QUOTAS = {
    "instances": "servers",
    "cores": "class:VCPU",
    "ram": "class:MEMORY_MB",
    "metadata_items": "server_metadata_items",
    "key_pairs": "server_key_pairs",
    "injected_files": "server_injected_files",
    "injected_file_content_bytes": "server_injected_file_content_bytes",
    "injected_file_path_bytes": "server_injected_file_path_bytes",
}
"""What `os-quota-sets` calls them."""


class Waits(NamedTuple):
    """Seconds after which things happen by themselves; see `settings`."""

    reclaim: float = 0.0
    confirm_resize: float = 0.0
    offload: float = 0.0


NO_WAITS = Waits()


class ComputeService:
    """Everything that compute's faces ask."""

    migrations = queries.MIGRATIONS

    def __init__(
        self,
        registry: HostRegistry,
        quotas: Quotas,
        *,
        placement: Placement,
        images: Images,
        network: Network,
        volumes: BlockStorage,
        ratios: Ratios,
        jobs: Jobs,
        seal: KeyRing,
        waits: Waits = NO_WAITS,
        choice: Choice = USUAL_CHOICE,
        nodes: Callable[[], MetalNodes | None] = lambda: None,
        vendordata: Mapping[str, Any] | None = None,
    ) -> None:
        self.network = network
        self.volumes = volumes
        self.quotas = quotas
        self.flavors = Flavors()
        self.keypairs = KeyPairs(self.quotas)
        self.groups = Groups(self.quotas)
        self.hosts = Hosts(registry, placement, ratios)
        self.servers = Servers(
            quotas=self.quotas,
            jobs=jobs,
            hosts=self.hosts,
            placement=placement,
            images=images,
            network=network,
            volumes=volumes,
            seal=seal,
            choice=choice,
        )
        self.making = Making(self.servers, self.flavors, self.keypairs, self.hosts)
        self.actions = Actions(self.servers)
        self.snapshots = Snapshots(self.servers, jobs)
        self.resizing = Resizing(
            self.servers, self.flavors, jobs, confirm_seconds=waits.confirm_resize
        )
        self.evacuation = Evacuation(self.servers, self.resizing)
        self.operations = Operations(
            self.servers,
            self.resizing,
            self.evacuation,
            self.snapshots,
            jobs,
            reclaim_seconds=waits.reclaim,
            offload_seconds=waits.offload,
        )
        self.precaching = Precaching(registry, images)
        self.devices = Devices(self.servers)
        self.metadata = Metadata(self.servers, vendordata)
        self.metal = Metal(self.servers, self.hosts, placement, self.metadata, nodes)

    def migration(self, tx: Tx, uuid: str) -> MigrationRow | None:
        return tx.one(queries.MIGRATION, uuid=uuid)
