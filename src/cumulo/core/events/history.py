"""History and events: one row per thing that happened, in the transaction that made it happen.

The same row is the story that `cumulo why ID` tells, the notification that other services and
the dashboard follow (by `sequence`, as an outbox), and the record that usage is counted from.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment, later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events import queries
from cumulo.core.events.model import EventRow

log = logging.getLogger("cumulo.events")

_listeners: list[Callable[[EventRow], None]] = []


def emit(
    tx: Tx,
    type: str,
    resource_id: str,
    /,
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
        tx.after_commit(lambda: _tell(row))


def _tell(row: EventRow) -> None:
    for listener in _listeners:
        listener(row)


def listen(listener: Callable[[EventRow], None]) -> None:
    """Call this with each event of this process after its commit (a hint: rows are the truth)."""
    _listeners.append(listener)


def story_of(tx: Tx, resource_id: str) -> list[EventRow]:
    """All that happened to one resource, in order."""
    return tx.all(queries.OF, resource_id=resource_id)


def events_since(tx: Tx, sequence: int, most: int = 1000) -> list[EventRow]:
    """The outbox: events after one that the reader has seen."""
    return tx.all(queries.SINCE, sequence=sequence, most=most)


class Retention:
    """Forgets what is older than the setting says, once an hour."""

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._days = days

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._database.write(
                    lambda tx: forget(tx, later(tx.now, -self._days * 86400.0)),
                    name="forget events",
                )
            except Exception:  # the database is away: an hour later will do
                log.exception("history could not be shortened")
            await asyncio.sleep(3600.0)


def forget(tx: Tx, before: Moment) -> int:
    """Remove history older than the retention setting; how many rows went."""
    return tx.run(queries.FORGET, before=before)
