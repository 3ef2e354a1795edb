"""How groups follow what becomes of their volumes, and group snapshots of their snapshots."""

from typing import Any

import msgspec

from cumulo.block_storage.model.group import (
    GroupRow,
    GroupSnapshotRow,
    group_status_of,
    is_making,
)
from cumulo.block_storage.queries import group as queries
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.quotas.quotas import Quotas


class Memberships:
    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def follow(self, tx: Tx, group_id: str | None) -> None:
        """One of its volumes is another one, or gone."""
        row = None if group_id is None else tx.get(GroupRow, group_id)
        if row is None or (row.wanted == "present" and not row.making):
            return
        parts = [str(word) for (word,) in tx.tuples(queries.VOLUME_STATUSES, group=row.id)]
        if row.wanted == "absent" and not parts:
            self._end(tx, row)
        else:
            self.refresh(tx, row, parts, making=row.making and is_making(parts))

    def refresh(self, tx: Tx, row: GroupRow, parts: list[str], **changes: Any) -> GroupRow:
        changed = msgspec.structs.replace(row, **changes)
        status = group_status_of(
            wanted=changed.wanted, making=changed.making, parts=parts, declared=changed.declared
        )
        if status == row.status and changed == row:
            return row
        return tx.update(row, **changes, status=status, updated_at=tx.now)

    def _end(self, tx: Tx, row: GroupRow) -> None:
        tx.delete(row)
        self._quotas.give_back(tx, row.project_id, groups=1)
        emit(tx, "group.delete.end", row.id, project_id=row.project_id)

    def follow_snapshot(self, tx: Tx, group_snapshot_id: str | None) -> None:
        """One of its snapshots is another one, or gone."""
        row = None if group_snapshot_id is None else tx.get(GroupSnapshotRow, group_snapshot_id)
        if row is None or (row.wanted == "present" and not row.making):
            return
        found = tx.tuples(queries.SNAPSHOT_STATUSES, group_snapshot=row.id)
        parts = [str(word) for (word,) in found]
        if row.wanted == "absent" and not parts:
            tx.delete(row)
            emit(tx, "group_snapshot.delete.end", row.id, project_id=row.project_id)
        else:
            self.refresh_snapshot(tx, row, parts, making=row.making and is_making(parts))

    def refresh_snapshot(
        self, tx: Tx, row: GroupSnapshotRow, parts: list[str], **changes: Any
    ) -> GroupSnapshotRow:
        changed = msgspec.structs.replace(row, **changes)
        status = group_status_of(
            wanted=changed.wanted, making=changed.making, parts=parts, declared=changed.declared
        )
        if status == row.status and changed == row:
            return row
        return tx.update(row, **changes, status=status, updated_at=tx.now)
