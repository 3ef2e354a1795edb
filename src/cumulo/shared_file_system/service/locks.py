"""Locks of shares and access rules (shared file systems API 2.81, 2.82)."""

from collections.abc import Sequence

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.model.access import AccessRow
from cumulo.shared_file_system.model.lock import ACTIONS, DELETE, SHOW, LockRow
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.queries import lock as queries

MOST_LOCKS = 100
"""Of one resource."""


class Locks:
    listing = queries.LOCKS

    def get(self, tx: Tx, id: str, who: Principal) -> LockRow:
        row = tx.get(LockRow, id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Resource lock {id} could not be found.")
        return row

    def create(
        self,
        tx: Tx,
        who: Principal,
        *,
        resource_type: str,
        resource_id: str,
        action: str,
        reason: str | None,
    ) -> LockRow:
        """Raises BadRequest: there is no such resource for the caller."""
        project_id = self._owner(tx, who, resource_type, resource_id)
        if action == SHOW and any(row.resource_action == SHOW for row in self.of(tx, resource_id)):
            raise Conflict("Resource's visibility is already locked by other user.")
        if int(tx.value(queries.COUNT_OF, id=resource_id)) >= MOST_LOCKS:
            raise BadRequest(f"A resource has {MOST_LOCKS} locks at most.")
        row = LockRow(
            id=new_id(),
            project_id=project_id,
            user_id=who.user_id,
            resource_id=resource_id,
            resource_type=resource_type,
            resource_action=action,
            lock_context="admin" if who.is_admin else "user",
            lock_reason=reason,
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        return row

    def _owner(self, tx: Tx, who: Principal, kind: str, id: str) -> str:
        share: ShareRow | None
        if kind == "share":
            share = tx.get(ShareRow, id)
        else:
            rule = tx.get(AccessRow, id)
            share = None if rule is None else tx.get(ShareRow, rule.share_id)
        if share is None or not (who.is_admin or share.project_id == who.project_id):
            raise BadRequest("No such resource found.")
        if share.wanted == "absent" or share.delete_at is not None:
            raise Conflict(f"Invalid input received: the share is in status {share.status}.")
        return share.project_id

    def update(
        self, tx: Tx, row: LockRow, who: Principal, *, action: str | None, reason: str | None
    ) -> LockRow:
        self._refuse_stranger(row, who)
        changes = {} if action is None else {"resource_action": action}
        if reason is not None:
            changes["lock_reason"] = reason
        others = [each for each in self.of(tx, row.resource_id) if each.id != row.id]
        if action == SHOW and any(each.resource_action == SHOW for each in others):
            raise Conflict("Resource's visibility is already locked by other user.")
        return tx.update(row, updated_at=tx.now, **changes)

    def delete(self, tx: Tx, row: LockRow, who: Principal) -> None:
        self._refuse_stranger(row, who)
        tx.delete(row)

    def _refuse_stranger(self, row: LockRow, who: Principal) -> None:
        """Who made it, or an administrator."""
        if not who.is_admin and (row.user_id != who.user_id or row.lock_context != "user"):
            raise Forbidden(f"Resource lock {row.id} is of another user.")

    # --- what they do -----------------------------------------------------------------------

    def of(self, tx: Tx, *ids: str) -> Sequence[LockRow]:
        return tx.all(queries.OF, ids=list(ids)) if ids else []

    def refuse_locked(self, tx: Tx, id: str) -> None:
        """Before it is deleted, by whomever."""
        found = [row.id for row in self.of(tx, id) if row.resource_action == DELETE]
        if found:
            raise Forbidden(
                f"Invalid share: Resource lock/s [{', '.join(found)}] prevent delete action."
            )

    def unrestrict(self, tx: Tx, id: str, who: Principal, wanted: bool) -> None:
        """Before an access rule is denied: what locks it goes if the caller wants so and may. That
        it was not shown holds nobody up."""
        found = [row for row in self.of(tx, id) if row.resource_action == DELETE]
        if not found:
            return
        if not wanted:
            raise Forbidden(
                f"Cannot revoke access: rule {id} is locked "
                f"({', '.join(row.id for row in found)}); say 'unrestrict' to remove its locks."
            )
        for row in found:
            self.delete(tx, row, who)

    def hidden(self, tx: Tx, ids: Sequence[str], who: Principal) -> set[str]:
        """Those access rules whose `access_to` this caller does not see."""
        return {
            row.resource_id
            for row in self.of(tx, *ids)
            if row.resource_action == SHOW and not (who.is_admin or row.user_id == who.user_id)
        }

    def forget(self, tx: Tx, ids: Sequence[str]) -> None:
        """The resources are gone."""
        if ids:
            tx.run(queries.FORGET, ids=list(ids))


def check_words(kind: str, action: str) -> None:
    if kind not in ACTIONS:
        raise BadRequest(f"'resource_type' is required and must be one of {', '.join(ACTIONS)}")
    if action not in ACTIONS[kind]:
        raise BadRequest(f"'resource_action' can only be one of {', '.join(ACTIONS[kind])}")
