"""Messages: why it failed, kept for a month, or until somebody deletes them."""

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.model.message import KEPT_SECONDS, MessageRow, Why
from cumulo.shared_file_system.queries import message as queries

MOST_MESSAGES = 20
"""Of one resource: the newest. What fails again and again shall not fill a table."""


class Messages:
    listing = queries.MESSAGES

    def get(self, tx: Tx, id: str, who: Principal) -> MessageRow:
        row = tx.get(MessageRow, id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Message {id} could not be found.")
        return row

    def say(
        self, tx: Tx, why: Why, *, project_id: str, kind: str, id: str, reason: str
    ) -> MessageRow:
        """`kind`: `SHARE` or `SHARE_SNAPSHOT`."""
        if int(tx.value(queries.COUNT_OF, resource_id=id)) >= MOST_MESSAGES:
            oldest = tx.get(MessageRow, tx.value(queries.OLDEST_OF, resource_id=id))
            if oldest is not None:
                tx.delete(oldest)
        row = MessageRow(
            id=new_id(),
            project_id=project_id,
            resource_type=kind,
            resource_id=id,
            action_id=why.action,
            detail_id=why.detail,
            reason=reason[:1000],
            created_at=tx.now,
            expires_at=later(tx.now, KEPT_SECONDS),
        )
        tx.insert(row)
        return row

    def delete(self, tx: Tx, row: MessageRow) -> None:
        tx.delete(row)
