"""Snapshots: copies of volumes that nobody uses meanwhile."""

from typing import Any

import msgspec

from cumulo.block_storage.meters import SNAPSHOTS
from cumulo.block_storage.model.snapshot import SnapshotRow, snapshot_status
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.queries import snapshot as queries
from cumulo.block_storage.service.memberships import Memberships
from cumulo.block_storage.service.pools import KIND, Pools
from cumulo.block_storage.service.quotas import VolumeQuotas
from cumulo.block_storage.service.volumes import Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id


class Snapshots:
    listing = queries.SNAPSHOTS

    def __init__(
        self,
        registry: HostRegistry,
        pools: Pools,
        quotas: VolumeQuotas,
        volumes: Volumes,
        memberships: Memberships,
    ) -> None:
        self._registry = registry
        self._pools = pools
        self._quotas = quotas
        self._volumes = volumes
        self._memberships = memberships

    def get(self, tx: Tx, snapshot_id: str, who: Principal) -> SnapshotRow:
        row = tx.get(SnapshotRow, snapshot_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Snapshot {snapshot_id} could not be found.")
        return row

    def create(
        self,
        tx: Tx,
        volume: VolumeRow,
        who: Principal,
        name: str | None,
        description: str | None,
        metadata: dict[str, str],
        *,
        attached: bool = False,
        group_snapshot_id: str | None = None,
    ) -> SnapshotRow:
        """`attached`: also of a volume that a server has: what it has written by now."""
        fit = ("available", "in-use") if attached else ("available",)
        if volume.status not in fit or volume.host_id is None:
            raise BadRequest(
                f"Invalid volume: Volume {volume.id} status must be available, but current "
                f"status is: {volume.status}."
            )
        kind = tx.get(TypeRow, volume.type_id)
        assert kind is not None
        amounts = {"snapshots": 1, "gigabytes": volume.size}
        self._quotas.take(tx, volume.project_id, kind.name, **amounts)
        if not self._pools.grow(tx, volume.host_id, volume.size):
            raise BadRequest("Invalid volume: its host has no room for a snapshot.")
        row = SnapshotRow(
            id=new_id(),
            volume_id=volume.id,
            project_id=volume.project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            metadata=metadata,
            size=volume.size,
            status="creating",
            host_id=volume.host_id,
            wanted="present",
            generation=1,
            observed_size=0,
            fault=None,
            declared=None,
            created_at=tx.now,
            updated_at=None,
            group_snapshot_id=group_snapshot_id,
        )
        tx.insert(row)
        SNAPSHOTS.changed(tx, None, row)
        self._registry.touch(tx, row.host_id, KIND, row.id)
        emit(tx, "snapshot.create.start", row.id, principal=who, volume=volume.id)
        return row

    def adopt(
        self,
        tx: Tx,
        volume: VolumeRow,
        id: str,
        size: int,
        who: Principal,
        *,
        generation: int,
        **about: Any,
    ) -> SnapshotRow:
        """A disk that its host has and nobody knows becomes a snapshot of a volume."""
        if tx.get(VolumeRow, id) is not None or tx.get(SnapshotRow, id) is not None:
            raise BadRequest(f"Invalid snapshot: there is a volume or snapshot {id} already.")
        kind = tx.get(TypeRow, volume.type_id)
        assert kind is not None and volume.host_id is not None
        self._quotas.take(tx, volume.project_id, kind.name, snapshots=1, gigabytes=size)
        if not self._pools.grow(tx, volume.host_id, size):
            raise BadRequest("Invalid volume: its host has no room for a snapshot.")
        row = SnapshotRow(
            id=id,
            volume_id=volume.id,
            project_id=volume.project_id,
            user_id=who.user_id,
            size=size,
            status="creating",
            host_id=volume.host_id,
            wanted="present",
            generation=generation,
            observed_size=0,
            fault=None,
            declared=None,
            created_at=tx.now,
            updated_at=None,
            **about,
        )
        tx.insert(row)
        SNAPSHOTS.changed(tx, None, row)
        self._registry.touch(tx, row.host_id, KIND, row.id)
        emit(tx, "snapshot.create.start", row.id, principal=who, volume=volume.id)
        return row

    def update(self, tx: Tx, row: SnapshotRow, who: Principal, **changes: Any) -> SnapshotRow:
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "snapshot.update", row.id, principal=who)
        return row

    def refresh(self, tx: Tx, row: SnapshotRow, **changes: Any) -> SnapshotRow:
        changed = msgspec.structs.replace(row, **changes)
        saved = tx.update(row, **changes, status=snapshot_status(changed), updated_at=tx.now)
        if saved.status != row.status:
            self._memberships.follow_snapshot(tx, row.group_snapshot_id)
        return saved

    def reset(self, tx: Tx, row: SnapshotRow, status: str, who: Principal) -> None:
        row = self.refresh(
            tx, row, generation=row.generation + 1, fault=None, declared=None, progress=None
        )
        tell = self._registry.touch if row.wanted == "present" else self._registry.remove
        tell(tx, row.host_id, KIND, row.id)
        if status != row.status:
            self.refresh(tx, row, declared=status)
        emit(tx, "snapshot.reset", row.id, principal=who, status=status)

    def delete(
        self,
        tx: Tx,
        row: SnapshotRow,
        who: Principal,
        *,
        force: bool = False,
        with_group: bool = False,
    ) -> None:
        """`force`: whatever its status is; one that is being copied stays even then."""
        if row.group_snapshot_id is not None and not with_group:
            raise BadRequest(
                "Invalid snapshot: Snapshot status must be available or error and must not be "
                f"part of a group; it is of the group snapshot {row.group_snapshot_id}."
            )
        if not force and row.status not in ("available", "error", "error_deleting"):
            raise BadRequest(
                f"Invalid snapshot: Snapshot status must be available or error; it is {row.status}."
            )
        self._volumes.drop_snapshot(tx, row, who)

    def forget(self, tx: Tx, row: SnapshotRow) -> None:
        """It is gone from its host."""
        volume = tx.get(VolumeRow, row.volume_id)
        kind = None if volume is None else tx.get(TypeRow, volume.type_id)
        assert kind is not None
        tx.delete(row)
        SNAPSHOTS.changed(tx, row, None)
        self._pools.give_back(tx, row.host_id, row.size)
        amounts = {"snapshots": 1, "gigabytes": row.size}
        self._quotas.give_back(tx, row.project_id, kind.name, **amounts)
        if volume is not None and volume.wanted == "absent":
            self._volumes.order(tx, volume)  # it waited for the last of them
        emit(tx, "snapshot.delete.end", row.id, project_id=row.project_id)
        self._memberships.follow_snapshot(tx, row.group_snapshot_id)
