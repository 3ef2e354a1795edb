"""What went wrong with nodes, kept after `last_error` is another one."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, table


@table("baremetal_history")
class HistoryRow(Row, frozen=True):
    id: Annotated[str, Key()]
    node_id: Annotated[str, Index(), References("baremetal_nodes.id", "CASCADE")]
    event: str
    event_type: str
    severity: str
    user: str | None
    conductor: str
    created_at: Moment
