"""Messages to users: written where something fails, and gone after a while."""

from cumulo.block_storage.model.message import KEPT_SECONDS, MOST, MessageRow, Why
from cumulo.block_storage.queries import message as queries
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.ids import new_id

LONGEST = 255


class Messages:
    listing = queries.MESSAGES

    def get(self, tx: Tx, message_id: str, who: Principal) -> MessageRow:
        row = tx.get(MessageRow, message_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Message {message_id} could not be found.")
        return row

    def failed(
        self,
        tx: Tx,
        kind: str,
        resource_id: str,
        project_id: str,
        why: Why,
        reason: str | None = None,
    ) -> None:
        """`reason` in the place of Cinder's own words, where its users may read it."""
        tx.run(queries.DROP_OLD, now=tx.now)
        row = MessageRow(
            id=new_id(),
            project_id=project_id,
            resource_type=kind,
            resource_id=resource_id,
            event_id=f"VOLUME_{kind}_{why.action}_{why.detail}",
            request_id="",
            level="ERROR",
            text=f"{why.doing}:{reason or why.word}"[:LONGEST],
            created_at=tx.now,
            expires_at=later(tx.now, KEPT_SECONDS),
        )
        tx.insert(row)
        tx.run(queries.DROP_MANY, project=project_id, most=MOST)

    def delete(self, tx: Tx, row: MessageRow) -> None:
        tx.delete(row)
