"""Snapshots of whole groups: the verbs. All are taken in one transaction, of volumes that nobody
writes to: what they hold is of one moment."""

from cumulo.block_storage.model.group import GroupRow, GroupSnapshotRow
from cumulo.block_storage.queries import group as queries
from cumulo.block_storage.service.memberships import Memberships
from cumulo.block_storage.service.snapshots import Snapshots
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id


class GroupSnapshots:
    listing = queries.GROUP_SNAPSHOTS

    def __init__(self, snapshots: Snapshots, memberships: Memberships) -> None:
        self._snapshots = snapshots
        self._memberships = memberships

    def get(self, tx: Tx, id: str, who: Principal) -> GroupSnapshotRow:
        row = tx.get(GroupSnapshotRow, id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"GroupSnapshot {id} could not be found.")
        return row

    def create(
        self, tx: Tx, group: GroupRow, who: Principal, name: str | None, description: str | None
    ) -> GroupSnapshotRow:
        if group.status != "available":
            raise BadRequest(f"Invalid group: its status must be available, but is {group.status}.")
        volumes = tx.all(queries.VOLUMES, groups=[group.id])
        if not volumes:
            raise BadRequest("Invalid group: Group is empty. No group snapshot will be created.")
        row = GroupSnapshotRow(
            id=new_id(),
            group_id=group.id,
            project_id=group.project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            group_type_id=group.group_type_id,
            wanted="present",
            making=True,
            declared=None,
            status="creating",
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        emit(tx, "group_snapshot.create", row.id, principal=who, group=group.id)
        for volume in volumes:
            self._snapshots.create(tx, volume, who, name, description, {}, group_snapshot_id=row.id)
        return row

    def delete(self, tx: Tx, row: GroupSnapshotRow, who: Principal) -> None:
        if row.wanted == "present" and row.status not in ("available", "error"):
            raise BadRequest(
                f"Invalid group snapshot: its status must be available or error, but is "
                f"{row.status}."
            )
        snapshots = tx.all(queries.SNAPSHOTS, group_snapshot=row.id)
        words = [each.status for each in snapshots]
        row = self._memberships.refresh_snapshot(tx, row, words, wanted="absent", declared=None)
        emit(tx, "group_snapshot.delete.start", row.id, project_id=row.project_id, principal=who)
        for each in snapshots:
            if each.wanted == "present" or each.fault:
                self._snapshots.delete(tx, each, who, with_group=True)
        self._memberships.follow_snapshot(tx, row.id)

    def reset(self, tx: Tx, row: GroupSnapshotRow, status: str, who: Principal) -> None:
        found = tx.tuples(queries.SNAPSHOT_STATUSES, group_snapshot=row.id)
        parts = [str(word) for (word,) in found]
        row = self._memberships.refresh_snapshot(tx, row, parts, declared=None)
        if status != row.status:
            row = self._memberships.refresh_snapshot(tx, row, parts, declared=status)
        emit(tx, "group_snapshot.reset", row.id, principal=who, status=status)
