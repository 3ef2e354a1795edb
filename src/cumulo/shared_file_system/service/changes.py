"""What may become of a share: larger, smaller, what it was at a snapshot; the recycle bin."""

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, QuotaExceeded
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.model.type import REVERTS, TypeRow
from cumulo.shared_file_system.queries import share as queries
from cumulo.shared_file_system.queries import snapshot as snapshots
from cumulo.shared_file_system.queries import transfer as transfers
from cumulo.shared_file_system.service.locks import Locks
from cumulo.shared_file_system.service.pools import Pools
from cumulo.shared_file_system.service.quotas import ShareQuotas
from cumulo.shared_file_system.service.shares import Shares

_RECYCLABLE = ("available", "error", "inactive")
RECYCLED_SECONDS = 7 * 24 * 3600.0
"""In the recycle bin; Manila's default."""


class Changes:
    def __init__(self, shares: Shares, pools: Pools, quotas: ShareQuotas, locks: Locks) -> None:
        self._shares = shares
        self._pools = pools
        self._quotas = quotas
        self._locks = locks

    def extend(self, tx: Tx, row: ShareRow, size: int, who: Principal) -> ShareRow:
        if row.status != "available" or row.host_id is None:
            raise BadRequest(
                f"Invalid share: Share {row.id} status must be 'available' to extend, but current "
                f"status is: {row.status}."
            )
        if size <= row.size:
            raise BadRequest(
                "Invalid input received: New size for extend must be greater than current size. "
                f"(current: {row.size}, extended: {size})."
            )
        self._shares.refuse_size(self._type(tx, row), size)
        self._grow(tx, row, size)
        emit(tx, "share.extend.start", row.id, principal=who, size=size)
        return self._shares.demand(tx, row, size=size)

    def _type(self, tx: Tx, row: ShareRow) -> TypeRow:
        kind = tx.get(TypeRow, row.type_id)
        assert kind is not None
        return kind

    def _grow(self, tx: Tx, row: ShareRow, size: int) -> None:
        """Quota and room for what it becomes larger by."""
        more = size - row.size
        try:
            self._quotas.take(tx, row.project_id, row.user_id, row.type_id, gigabytes=more)
            self._quotas.check_size(tx, row.project_id, size)
        except QuotaExceeded as exceeded:
            raise Forbidden(exceeded.message) from None
        assert row.host_id is not None
        if not self._pools.grow(tx, row.host_id, more):
            raise BadRequest(f"Invalid share: its host has no room for {more} GiB more.")

    def shrink(self, tx: Tx, row: ShareRow, size: int, who: Principal) -> ShareRow:
        """It is as large as it was, and counted so, until its host has made it smaller."""
        tried = ("available", "shrinking_possible_data_loss_error")
        if row.status not in tried or row.host_id is None:
            raise BadRequest(
                f"Invalid share: Share {row.id} status must in ({', '.join(tried)}) to shrink, but "
                f"current status is: {row.status}."
            )
        if size < 1 or size >= row.size:
            raise BadRequest(
                "Invalid input received: New size for shrink must be less than current size and "
                f"greater than 0 (current: {row.size}, new: {size})."
            )
        self._shares.refuse_size(self._type(tx, row), size)
        emit(tx, "share.shrink.start", row.id, principal=who, size=size)
        return self._shares.demand(tx, row, shrink_to=size)

    def shrunk(self, tx: Tx, row: ShareRow) -> ShareRow:
        """Its host has done it: what it was larger by is given back."""
        assert row.shrink_to is not None
        less = row.size - row.shrink_to
        self._pools.give_back(tx, row.host_id, less)
        self._quotas.give_back(tx, row.project_id, row.user_id, row.type_id, gigabytes=less)
        return self._shares.refresh(tx, row, size=row.shrink_to, shrink_to=None)

    def revert(self, tx: Tx, row: ShareRow, snapshot: SnapshotRow, who: Principal) -> ShareRow:
        """To its newest snapshot. Raises BadRequest, Conflict, Forbidden."""
        self._refuse_revert(tx, row, snapshot)
        if snapshot.size > row.size:
            self._grow(tx, row, snapshot.size)
        elif snapshot.size < row.size:
            less = row.size - snapshot.size
            self._pools.give_back(tx, row.host_id, less)
            self._quotas.give_back(tx, row.project_id, row.user_id, row.type_id, gigabytes=less)
        emit(tx, "share.revert.start", row.id, principal=who, snapshot=snapshot.id)
        return self._shares.demand(tx, row, revert_to=snapshot.id, size=snapshot.size)

    def _refuse_revert(self, tx: Tx, row: ShareRow, snapshot: SnapshotRow) -> None:
        if not self._type(tx, row).says(REVERTS):
            raise BadRequest(
                f"Share {row.id} may not be reverted to snapshot {snapshot.id}, because the share "
                "does not have that capability."
            )
        if snapshot.share_id != row.id:
            raise BadRequest(f"Snapshot {snapshot.id} is not associated with share {row.id}.")
        for what, each in (("Share", row), ("Snapshot", snapshot)):
            if each.status != "available":
                raise Conflict(
                    f"{what} {each.id} is in '{each.status}' state, but it must be in 'available' "
                    "state to be reverted to a snapshot."
                )
        latest = tx.one(snapshots.LATEST_OF, share_id=row.id)
        if latest is None or latest.id != snapshot.id:
            raise Conflict(
                f"Snapshot {snapshot.id} may not be restored because it is not the most recent "
                f"snapshot of share {row.id}."
            )
        if any(rule.state not in ("active", "error")
               for rule in tx.all(queries.RULES_OF, ids=[row.id])):  # fmt: skip
            raise Conflict(
                f"Snapshot {snapshot.id} belongs to a share {row.id} which has access rules that "
                "are not active."
            )

    # --- the recycle bin (2.69) -------------------------------------------------------------

    def recycle(self, tx: Tx, row: ShareRow, who: Principal) -> ShareRow:
        self._locks.refuse_locked(tx, row.id)
        if row.delete_at is not None:
            raise Forbidden(f"Invalid share: The share {row.id} has been soft deleted already.")
        if row.status not in _RECYCLABLE:
            raise Forbidden(
                f"Invalid share: Share status must be one of {', '.join(_RECYCLABLE)}, but current "
                f"status is: {row.status}."
            )
        dependent = int(tx.value(snapshots.COUNT_OF, share_id=row.id))
        if dependent:
            raise Forbidden(f"Invalid share: Share still has {dependent} dependent snapshots.")
        if tx.one(transfers.OF, share_id=row.id) is not None:
            raise Forbidden("Invalid share: it is being transferred to another project.")
        emit(tx, "share.soft_delete", row.id, principal=who)
        return tx.update(row, delete_at=later(tx.now, RECYCLED_SECONDS), updated_at=tx.now)

    def restore(self, tx: Tx, row: ShareRow, who: Principal) -> ShareRow:
        if row.delete_at is None:
            return row
        if row.wanted == "absent":
            raise Forbidden(
                f"Share {row.id} is being deleted or has suffered an error during deletion, cannot "
                "be restored."
            )
        emit(tx, "share.restore", row.id, principal=who)
        return tx.update(row, delete_at=None, updated_at=tx.now)
