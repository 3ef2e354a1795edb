"""What went wrong with nodes: the last of it, a bounded number for each."""

from cumulo.baremetal.model.history import HistoryRow
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.queries import things as queries
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.ids import new_id

MOST = 300


class History:
    listing = queries.HISTORY

    def __init__(self, host: str) -> None:
        self._host = host

    def write(self, tx: Tx, node: NodeRow, event: str, kind: str) -> None:
        row = HistoryRow(
            id=new_id(),
            node_id=node.id,
            event=event,
            event_type=kind,
            severity="ERROR",
            user=None,
            conductor=self._host,
            created_at=tx.now,
        )
        tx.insert(row)
        for old in tx.all(queries.OLD_HISTORY, node_id=node.id, kept=MOST):
            tx.delete(old)

    def get(self, tx: Tx, node: NodeRow, id: str) -> HistoryRow:
        row = tx.get(HistoryRow, id)
        if row is None or row.node_id != node.id:
            raise NotFound(f"Node history record {id[:100]} could not be found.")
        return row
