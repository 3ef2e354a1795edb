"""Shared file systems as a whole: its nouns."""

from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.quotas.quotas import Quotas
from cumulo.network.interface import ServicePorts
from cumulo.shared_file_system.service.changes import Changes
from cumulo.shared_file_system.service.groups import GroupTypes
from cumulo.shared_file_system.service.locks import Locks
from cumulo.shared_file_system.service.managing import Managing
from cumulo.shared_file_system.service.messages import Messages
from cumulo.shared_file_system.service.networks import ShareNetworks
from cumulo.shared_file_system.service.pools import Pools
from cumulo.shared_file_system.service.qos import QosTypes
from cumulo.shared_file_system.service.quotas import ShareQuotas
from cumulo.shared_file_system.service.rules import Rules
from cumulo.shared_file_system.service.security import SecurityServices
from cumulo.shared_file_system.service.shares import Shares
from cumulo.shared_file_system.service.snapshot_rules import SnapshotRules
from cumulo.shared_file_system.service.snapshots import Snapshots
from cumulo.shared_file_system.service.transfers import Transfers
from cumulo.shared_file_system.service.types import Types


class SharedFileSystemService:
    def __init__(
        self, registry: HostRegistry, ports: ServicePorts, quotas: Quotas, default_type: str
    ) -> None:
        self.registry = registry
        self.pools = Pools(registry)
        self.quotas = ShareQuotas(quotas)
        self.types = Types(default_type)
        self.qos = QosTypes()
        self.groups = GroupTypes(self.types)
        self.locks = Locks()
        self.messages = Messages()
        self.networks = ShareNetworks(registry, ports, self.quotas)
        self.security = SecurityServices(self.networks)
        self.shares = Shares(
            registry, self.pools, self.quotas, self.networks, self.locks, self.messages
        )
        self.changes = Changes(self.shares, self.pools, self.quotas, self.locks)
        self.rules = Rules(self.shares, self.locks)
        self.snapshots = Snapshots(registry, self.quotas)
        self.managing = Managing(
            registry,
            self.pools,
            self.quotas,
            self.locks,
            self.networks,
            self.shares,
            self.snapshots,
        )
        self.snapshot_rules = SnapshotRules(self.snapshots)
        self.transfers = Transfers(self.shares, self.quotas, self.types, self.rules, self.locks)
