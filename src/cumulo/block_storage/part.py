"""The conductor's side of block storage: desired state of a host's disks, and what it sees."""

import msgspec

from cumulo.block_storage.model.orders import (
    DesiredStorage,
    DiskSource,
    ObservedStorage,
    SeenDisk,
    WantedDisk,
)
from cumulo.block_storage.model.pool import PoolRow
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.queries import snapshot as snapshot_queries
from cumulo.block_storage.queries import volume as volume_queries
from cumulo.block_storage.service.pools import KIND
from cumulo.block_storage.service.snapshots import Snapshots
from cumulo.block_storage.service.volumes import Volumes
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.hosts.registry import HostRegistry


class StoragePart:
    kind = KIND
    desired_type: type = DesiredStorage
    observed_type: type = ObservedStorage

    def __init__(self, registry: HostRegistry, volumes: Volumes, snapshots: Snapshots) -> None:
        self._registry = registry
        self._volumes = volumes
        self._snapshots = snapshots

    def desired(self, tx: Tx, host_id: str, generation: int) -> DesiredStorage:
        """Snapshots go before their volumes, so a volume that has some is not asked to go yet."""
        snapshots = tx.all(snapshot_queries.OF_HOST, h=host_id)
        disks = [_snapshot_disk(row) for row in snapshots]
        for row in tx.all(volume_queries.OF_HOST, h=host_id):
            if row.wanted == "absent" and tx.value(volume_queries.SNAPSHOT_COUNT, volume_id=row.id):
                continue
            disks.append(_volume_disk(row))
        return DesiredStorage(disks)

    def observed(self, tx: Tx, host_id: str, report: ObservedStorage) -> None:
        pool = report.pool
        known = tx.get(PoolRow, host_id)
        if known is None:
            known = PoolRow(host_id, "", None, 0, 0, tx.now)
            tx.insert(known)
        if (known.driver, known.total_gb, known.free_gb) != (
            pool.driver,
            pool.total_gb,
            pool.free_gb,
        ):
            changes = msgspec.structs.asdict(pool)
            tx.update(known, updated_at=tx.now, **changes)
        volumes = {row.id: row for row in tx.all(volume_queries.OF_HOST, h=host_id)}
        snapshots = {row.id: row for row in tx.all(snapshot_queries.OF_HOST, h=host_id)}
        for disk in report.disks:
            volume, snapshot = volumes.get(disk.id), snapshots.get(disk.id)
            if volume is not None and volume.generation == disk.generation:
                self._volume(tx, volume, disk)
            elif snapshot is not None and snapshot.generation == disk.generation:
                self._snapshot(tx, snapshot, disk)

    def _volume(self, tx: Tx, row: VolumeRow, disk: SeenDisk) -> None:
        if row.wanted == "absent" and disk.fault is None:
            self._volumes.forget(tx, row)
            return
        seen = {
            "observed_generation": disk.generation,
            "observed_size": disk.size_gb,
            "connection": disk.connection,
            "fault": disk.fault,
        }
        if disk.fault is not None and disk.connection is None:
            # It could not even be looked at: what was known of it stays known.
            seen = {"observed_generation": disk.generation, "fault": disk.fault}
        if all(getattr(row, name) == value for name, value in seen.items()):
            return
        before = row
        row = self._volumes.refresh(tx, row, **seen)
        if disk.fault is not None and disk.fault != before.fault:
            verb = _verb(before)
            emit(tx, f"volume.{verb}.error", row.id, project_id=row.project_id, reason=disk.fault)
        elif before.status in ("creating", "downloading", "extending") and (
            row.status != before.status
        ):
            emit(tx, f"volume.{_verb(before)}.end", row.id, project_id=row.project_id)
        for attachment in self._volumes.attachments_of(tx, [row.id]).get(row.id, ()):
            # Its server may have waited for it.
            if attachment.host_id is not None:
                self._registry.touch(tx, attachment.host_id, "compute")

    def _snapshot(self, tx: Tx, row: SnapshotRow, disk: SeenDisk) -> None:
        if row.wanted == "absent" and disk.fault is None:
            self._snapshots.forget(tx, row)
            return
        if (row.observed_size, row.fault) == (disk.size_gb, disk.fault):
            return
        self._snapshots.refresh(tx, row, observed_size=disk.size_gb, fault=disk.fault)
        verb = "delete" if row.wanted == "absent" else "create"
        if disk.fault is not None:
            emit(tx, f"snapshot.{verb}.error", row.id, project_id=row.project_id, reason=disk.fault)
        elif row.observed_size == 0:
            emit(tx, "snapshot.create.end", row.id, project_id=row.project_id)


def _verb(row: VolumeRow) -> str:
    if row.wanted == "absent":
        return "delete"
    return "create" if row.observed_size == 0 else "extend"


def _volume_disk(row: VolumeRow) -> WantedDisk:
    source = None
    if row.source_path is not None:
        source = DiskSource(
            path=row.source_path, format="qcow2" if row.source_format == "qcow2" else "raw"
        )
    elif row.snapshot_id or row.source_volume_id:
        source = DiskSource(disk_id=row.snapshot_id or row.source_volume_id)
    return WantedDisk(
        id=row.id,
        generation=row.generation,
        wanted=row.wanted,
        size_gb=row.size,
        source=source,
        in_use=any(state in ("attached", "detaching") for state in row.attachments),
    )


def _snapshot_disk(row: SnapshotRow) -> WantedDisk:
    return WantedDisk(
        id=row.id,
        generation=row.generation,
        wanted=row.wanted,
        size_gb=row.size,
        source=DiskSource(disk_id=row.volume_id),
    )
