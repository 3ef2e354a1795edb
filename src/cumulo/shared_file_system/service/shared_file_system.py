"""Shared file systems as a whole: its nouns."""

from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.quotas.quotas import Quotas
from cumulo.network.interface import ServicePorts
from cumulo.shared_file_system.service.networks import ShareNetworks
from cumulo.shared_file_system.service.pools import Pools
from cumulo.shared_file_system.service.quotas import ShareQuotas
from cumulo.shared_file_system.service.rules import Rules
from cumulo.shared_file_system.service.shares import Shares
from cumulo.shared_file_system.service.snapshots import Snapshots
from cumulo.shared_file_system.service.types import Types


class SharedFileSystemService:
    def __init__(self, registry: HostRegistry, ports: ServicePorts, quotas: Quotas) -> None:
        self.registry = registry
        self.pools = Pools(registry)
        self.quotas = ShareQuotas(quotas)
        self.types = Types()
        self.networks = ShareNetworks(registry, ports, self.quotas)
        self.shares = Shares(registry, self.pools, self.quotas, self.networks)
        self.rules = Rules(self.shares)
        self.snapshots = Snapshots(registry, self.quotas)
