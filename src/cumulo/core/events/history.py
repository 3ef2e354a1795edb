"""History and events: one row per thing that happened, in the transaction that made it happen.

The same row is the story that `cumulo why ID` tells, the notification that other services and
the dashboard follow (by `sequence`, as an outbox), and the record that usage is counted from.
"""

from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment
from cumulo.core.db.rows import IndexOn, Row, Serial, columns, table
from cumulo.core.db.statements import query, statement
from cumulo.core.db.transaction import Tx


@table("events", IndexOn("resource_id", "sequence"))
class EventRow(Row, frozen=True):
    """One event. `type` reads like `volume.create.start`; `detail` is what a person wants to
    know beyond it (the reason of a failure, the chosen host)."""

    sequence: Annotated[int, Serial()]
    at: Moment
    type: str
    service: str
    resource_id: str
    project_id: str | None
    user_id: str | None
    request_id: str | None
    detail: dict[str, Any]


_c = columns(EventRow)
_t = EventRow.sql_table
_OF = query(
    EventRow,
    sa.select(_t).where(_c.resource_id == sa.bindparam("resource_id")).order_by(_c.sequence),
)
_SINCE = query(
    EventRow,
    sa.select(_t)
    .where(_c.sequence > sa.bindparam("sequence"))
    .order_by(_c.sequence)
    .limit(sa.text(":most").bindparams(sa.bindparam("most"))),
)
_FORGET = statement(sa.delete(_t).where(_c.at < sa.bindparam("before")))

_listeners: list[Callable[[EventRow], None]] = []


def emit(
    tx: Tx,
    type: str,
    resource_id: str,
    *,
    project_id: str | None = None,
    principal: Principal | None = None,
    request_id: str | None = None,
    **detail: Any,
) -> None:
    """Record what this transaction does to a resource. `type`'s first word is the service."""
    row = EventRow(
        sequence=0,
        at=tx.now,
        type=type,
        service=type.partition(".")[0],
        resource_id=resource_id,
        project_id=project_id or (principal.project_id if principal is not None else None),
        user_id=principal.user_id if principal is not None else None,
        request_id=request_id,
        detail=detail,
    )
    tx.insert(row)
    if _listeners:
        tx.after_commit(lambda: [listener(row) for listener in _listeners] and None)


def listen(listener: Callable[[EventRow], None]) -> None:
    """Call this with each event of this process after its commit (a hint: rows are the truth)."""
    _listeners.append(listener)


def story_of(tx: Tx, resource_id: str) -> list[EventRow]:
    """All that happened to one resource, in order."""
    return tx.all(_OF, resource_id=resource_id)


def events_since(tx: Tx, sequence: int, most: int = 1000) -> list[EventRow]:
    """The outbox: events after one that the reader has seen."""
    return tx.all(_SINCE, sequence=sequence, most=most)


def forget(tx: Tx, before: Moment) -> int:
    """Remove history older than the retention setting; how many rows went."""
    return tx.run(_FORGET, before=before)
