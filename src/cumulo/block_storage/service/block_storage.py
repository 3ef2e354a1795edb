"""Block storage as a whole: its nouns, and what the other services ask of it."""

from collections.abc import Callable

from cumulo.block_storage.interface import AttachedViews, NewVolume
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.service.attachments import Attachments
from cumulo.block_storage.service.backups import Backups
from cumulo.block_storage.service.group_snapshots import GroupSnapshots
from cumulo.block_storage.service.group_types import GroupTypes
from cumulo.block_storage.service.groups import Groups
from cumulo.block_storage.service.managing import Managing
from cumulo.block_storage.service.memberships import Memberships
from cumulo.block_storage.service.messages import Messages
from cumulo.block_storage.service.pools import Pools
from cumulo.block_storage.service.qos import Qos
from cumulo.block_storage.service.quotas import VolumeQuotas
from cumulo.block_storage.service.services import Services
from cumulo.block_storage.service.snapshots import Snapshots
from cumulo.block_storage.service.sources import BLANK, from_image, from_snapshot, from_volume
from cumulo.block_storage.service.transfers import Transfers
from cumulo.block_storage.service.types import Types
from cumulo.block_storage.service.uploads import Uploads
from cumulo.block_storage.service.volumes import Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.quotas.quotas import Quotas
from cumulo.core.work.jobs import Jobs
from cumulo.identity.interface import Identity
from cumulo.image.interface import Images


class BlockStorageService(Attachments):
    """Implements `block_storage.interface.BlockStorage`."""

    def __init__(
        self,
        registry: HostRegistry,
        images: Images,
        quotas: Quotas,
        jobs: Jobs,
        identity: Identity,
        views: Callable[[], AttachedViews | None] = lambda: None,
    ) -> None:
        self.registry = registry
        self.images = images
        self.pools = Pools(registry)
        self.services = Services(registry)
        self.quotas = VolumeQuotas(quotas)
        self.types = Types(identity)
        parts = Memberships(quotas)
        self.messages = Messages()
        self.volumes = Volumes(registry, self.pools, self.quotas, self.types, parts, self.messages)
        self.snapshots = Snapshots(registry, self.pools, self.quotas, self.volumes, parts)
        self.managing = Managing(
            registry,
            self.services,
            self.pools,
            self.quotas,
            self.types,
            self.volumes,
            self.snapshots,
        )
        self.group_types = GroupTypes()
        self.groups = Groups(self.volumes, self.quotas, self.types, parts)
        self.group_snapshots = GroupSnapshots(self.snapshots, parts)
        self.transfers = Transfers(self.volumes, self.quotas, self.types)
        self.qos = Qos()
        self.backups = Backups(self.volumes, self.quotas, self.types, jobs, self.messages)
        self.uploads = Uploads(self.volumes, images, jobs, self.messages)
        super().__init__(self.volumes, self.qos, views)

    def snapshot_attached(self, tx: Tx, principal: Principal, volume_id: str, name: str) -> str:
        volume = self.volumes.get(tx, volume_id, principal)
        made = self.snapshots.create(tx, volume, principal, name, None, {}, attached=True)
        return made.id

    def check_image(self, tx: Tx, principal: Principal, volume_id: str, image_id: str) -> None:
        source = from_image(self.images.usable(tx, image_id, principal))
        volume = self.volumes.get(tx, volume_id, principal)
        self.volumes.check_image(tx, volume, source, ("in-use", "error"))

    def write_image(self, tx: Tx, principal: Principal, volume_id: str, image_id: str) -> None:
        self.check_image(tx, principal, volume_id, image_id)
        source = from_image(self.images.usable(tx, image_id, principal))
        volume = self.volumes.get(tx, volume_id, principal)
        self.volumes.write_image(tx, volume, source, principal)

    def image_written(self, tx: Tx, volume_id: str) -> bool:
        row = tx.get(VolumeRow, volume_id)
        if row is None or row.fault is not None:
            reason = "it is gone" if row is None else row.fault
            raise BadRequest(f"Volume {volume_id} could not be written: {reason}")
        return row.connection is not None

    def create_volume(self, tx: Tx, principal: Principal, wish: NewVolume) -> str:
        project_id = principal.project_id
        if project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        if wish.backup_id is not None:
            return self._of_backup(tx, principal, wish)
        source, size = BLANK, wish.size
        if wish.image_id is not None:
            source = from_image(self.images.usable(tx, wish.image_id, principal))
        elif wish.snapshot_id is not None:
            snapshot = self.snapshots.get(tx, wish.snapshot_id, principal)
            volume = tx.get(VolumeRow, snapshot.volume_id)
            assert volume is not None
            # It may have been given to another project meanwhile, without its snapshots.
            source = from_snapshot(snapshot, volume)
        elif wish.source_volume_id is not None:
            source = from_volume(self.volumes.get(tx, wish.source_volume_id, principal))
        if size is None and (wish.snapshot_id or wish.source_volume_id):
            size = source.least_gb
        if size is None:
            raise BadRequest("Invalid input received: Missing required element: size")
        kind = self.types.chosen(tx, wish.volume_type, principal)
        group_id = None
        if wish.group_id is not None:
            group_id = self.groups.joined(tx, wish.group_id, kind, principal)
        row = self.volumes.create(
            tx,
            size=size,
            kind=kind,
            source=source,
            project_id=project_id,
            who=principal,
            name=wish.name,
            description=wish.description,
            metadata=wish.metadata,
            availability_zone=wish.availability_zone,
            multiattach=wish.multiattach,
            # Where all hosts are one machine, a volume serves them all, wherever it is kept.
            only_host=wish.host_id if self.volumes.are_machines(tx) else None,
            group_id=group_id,
        )
        return row.id

    def _of_backup(self, tx: Tx, principal: Principal, wish: NewVolume) -> str:
        backup = self.backups.get(tx, wish.backup_id or "", principal)
        kind = self.types.chosen(tx, wish.volume_type, principal)
        group_id = None
        if wish.group_id is not None:
            group_id = self.groups.joined(tx, wish.group_id, kind, principal)
        row = self.backups.restored(
            tx,
            backup,
            principal,
            size=backup.size if wish.size is None else wish.size,
            kind=kind,
            name=wish.name,
            description=wish.description,
            metadata=wish.metadata,
            availability_zone=wish.availability_zone,
            multiattach=wish.multiattach,
            group_id=group_id,
        )
        return row.id
