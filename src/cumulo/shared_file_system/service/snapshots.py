"""Snapshots: what a share was at one moment."""

from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id
from cumulo.shared_file_system.meters import SHARE_SNAPSHOTS
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow, snapshot_status
from cumulo.shared_file_system.model.type import SNAPSHOTS, TypeRow
from cumulo.shared_file_system.queries import share as shares
from cumulo.shared_file_system.queries import snapshot as queries
from cumulo.shared_file_system.service.pools import KIND
from cumulo.shared_file_system.service.quotas import ShareQuotas


class Snapshots:
    listing = queries.SNAPSHOTS

    def __init__(self, registry: HostRegistry, quotas: ShareQuotas) -> None:
        self._registry = registry
        self._quotas = quotas

    def get(self, tx: Tx, snapshot_id: str, who: Principal) -> SnapshotRow:
        row = tx.get(SnapshotRow, snapshot_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Snapshot {snapshot_id} could not be found.")
        return row

    def create(
        self,
        tx: Tx,
        share: ShareRow,
        who: Principal,
        name: str | None,
        description: str | None,
        metadata: dict[str, str],
    ) -> SnapshotRow:
        kind = tx.get(TypeRow, share.type_id)
        assert kind is not None
        if not kind.says(SNAPSHOTS):
            raise BadRequest(f"Share {share.id} does not support snapshots (its type says so).")
        if share.delete_at is not None:
            raise Forbidden(f"Snapshots cannot be made of share {share.id}: it is soft deleted.")
        if share.status != "available" or share.host_id is None:
            raise BadRequest(
                f"Invalid share: Source share status must be available to create a snapshot, but "
                f"current status is: {share.status}."
            )
        amounts = {"snapshots": 1, "snapshot_gigabytes": share.size}
        self._quotas.take(tx, share.project_id, who.user_id, share.type_id, **amounts)
        row = SnapshotRow(
            id=new_id(),
            share_id=share.id,
            project_id=share.project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            size=share.size,
            protocol=share.protocol,
            status="creating",
            host_id=share.host_id,
            wanted="present",
            generation=1,
            made=False,
            fault=None,
            declared=None,
            created_at=tx.now,
            updated_at=None,
            metadata=metadata,
            managing=False,
        )
        tx.insert(row)
        SHARE_SNAPSHOTS.changed(tx, None, row)
        self._registry.touch(tx, row.host_id, KIND, row.id)
        emit(tx, "share.snapshot.create.start", row.id, principal=who, share=share.id)
        return row

    def update(self, tx: Tx, row: SnapshotRow, who: Principal, **changes: Any) -> SnapshotRow:
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "share.snapshot.update", row.id, principal=who)
        return row

    def refresh(self, tx: Tx, row: SnapshotRow, **changes: Any) -> SnapshotRow:
        changed = msgspec.structs.replace(row, **changes)
        return tx.update(row, **changes, status=snapshot_status(changed), updated_at=tx.now)

    def demand(self, tx: Tx, row: SnapshotRow, **changes: Any) -> SnapshotRow:
        row = self.refresh(tx, row, generation=row.generation + 1, fault=None, **changes)
        tell = self._registry.touch if row.wanted == "present" else self._registry.remove
        tell(tx, row.host_id, KIND, row.id)
        return row

    def reset(self, tx: Tx, row: SnapshotRow, status: str, who: Principal) -> None:
        row = self.demand(tx, row, declared=None)
        if status != row.status:
            self.refresh(tx, row, declared=status)
        emit(tx, "share.snapshot.reset", row.id, principal=who, status=status)

    def delete(self, tx: Tx, row: SnapshotRow, who: Principal, *, force: bool = False) -> None:
        if not force and row.status not in ("available", "error", "error_deleting"):
            raise BadRequest(
                "Invalid share snapshot: Share Snapshot status must be one of available, error, "
                f"but current status is: {row.status}."
            )
        if int(tx.value(shares.BEING_MADE_FROM, snapshot_id=row.id)):
            raise BadRequest("Invalid share snapshot: a share is being made from it.")
        share = tx.get(ShareRow, row.share_id)
        if share is not None and share.revert_to == row.id and not share.fault:
            raise BadRequest("Invalid share snapshot: its share is being reverted to it.")
        emit(tx, "share.snapshot.delete.start", row.id, project_id=row.project_id, principal=who)
        self.demand(tx, row, wanted="absent", declared=None)

    def forget(self, tx: Tx, row: SnapshotRow) -> None:
        """It is gone from its host."""
        tx.delete(row)
        SHARE_SNAPSHOTS.changed(tx, row, None)
        share = tx.get(ShareRow, row.share_id)
        kind = None if share is None else share.type_id
        amounts = {"snapshots": 1, "snapshot_gigabytes": row.size}
        self._quotas.give_back(tx, row.project_id, row.user_id, kind, **amounts)
        emit(tx, "share.snapshot.delete.end", row.id, project_id=row.project_id)
