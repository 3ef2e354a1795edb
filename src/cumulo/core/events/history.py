"""History and events: one row per thing that happened, in the transaction that made it happen.

The same row is the story that `cumulo why ID` tells, what named consumers follow (`consumers`),
what the live feed shows (`feed`), and the record that usage is counted from. Every type of event
is declared by its service (`types`).
"""

import logging
import weakref
from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events import queries
from cumulo.core.events.model import START, BaseRow, EventRow, Position
from cumulo.core.events.types import TYPES, mistake_in
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.events")

DETAIL_LIMIT = 4096
"""Bytes of an event's detail as JSON."""

on_mistake: Callable[[str], None] = log.error
"""Told of events that are not as they were declared; tests raise instead."""

_bells: weakref.WeakKeyDictionary[Wakeup, None] = weakref.WeakKeyDictionary()


def nobody() -> None:
    """There is one control node."""


ring_elsewhere: Callable[[], None] = nobody
"""Tells the other control nodes."""


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
    """Record what this transaction does to a resource."""
    mistake = mistake_in(type, detail)
    if mistake is not None:
        on_mistake(mistake)
    known = TYPES.get(type)
    tx.run(
        queries.INSERT,
        at=tx.now,
        type=type,
        service=type.partition(".")[0] if known is None else known.service,
        resource_type=type.partition(".")[0] if known is None else known.resource,
        resource_id=resource_id,
        project_id=project_id or (principal.project_id if principal is not None else None),
        user_id=principal.user_id if principal is not None else None,
        request_id=request_id,
        detail=_bounded(detail),
    )
    if _bells:
        tx.after_commit(_ring)


def _bounded(detail: dict[str, Any]) -> str:
    """As JSON, of bounded length: texts and lists are cut, then left out."""
    text = msgspec.json.encode(detail)
    if len(text) > DETAIL_LIMIT:
        short = {name: _short(value) for name, value in detail.items()}
        text = msgspec.json.encode(short)
    if len(text) > DETAIL_LIMIT:
        plain = {n: v for n, v in detail.items() if not isinstance(v, str | bytes | list | dict)}
        text = msgspec.json.encode({**plain, "cut": True})
    return text.decode() if len(text) <= DETAIL_LIMIT else '{"cut": true}'


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 500:
        return value[:500] + "…"
    return value[:20] if isinstance(value, list) else value


def _ring() -> None:
    ring_here()
    ring_elsewhere()


def ring_here() -> None:
    """There may be new events; on the loop."""
    for bell in list(_bells):
        bell.ring()


def ring_at_events(bell: Wakeup) -> None:
    """Ring it after each commit of this process that has events, as long as somebody holds it."""
    _bells[bell] = None


def story_of(tx: Tx, resource_id: str) -> list[EventRow]:
    """All that happened to one resource, in order."""
    return tx.all(queries.OF, resource_id=resource_id)


def ids_of_past_name(tx: Tx, name: str, most: int) -> list[str]:
    """Of what an event says that it is, or was, called so. Reads the whole history."""
    part = f'"name":{msgspec.json.encode(name).decode()}'
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [id for (id,) in tx.tuples(queries.IDS_BY_DETAIL, like=f"%{escaped}%", most=most)]


def events_since(tx: Tx, after: Position = START, most: int = 1000) -> list[EventRow]:
    """The events after a place that no later commit can come before."""
    return tx.all(queries.SINCE, turn=after.turn, sequence=after.sequence, most=most)


def moment_at(tx: Tx, position: Position) -> Moment | None:
    """When the event at a place happened; None where there is none, or none any more."""
    row = tx.get(EventRow, position.sequence)
    return None if row is None or row.turn != position.turn else row.at


def last_position(tx: Tx) -> Position:
    """The place of the newest event that `events_since` gives."""
    found = tx.tuples(queries.LAST)
    return Position(*found[0]) if found else START


def let_turns_grow(tx: Tx) -> None:
    """At the start of a process. Numbers of transactions begin anew when a dump is loaded into
    another PostgreSQL: what comes from now on shall still come after what is there."""
    if tx.engine == "sqlite":
        return
    highest = tx.value(queries.HIGHEST)
    behind = 0 if highest is None else int(highest) + 1 - int(tx.value(queries.NEXT_TURN))
    if behind <= 0:
        return
    known = tx.get(BaseRow, 1)
    if known is None:
        tx.insert(BaseRow(1, behind))
    else:
        tx.update(known, base=known.base + behind)
    log.warning("the database was moved: events are numbered on from %s", highest)


def latest(tx: Tx, before: Position | None, most: int) -> list[EventRow]:
    """What happened in the whole cloud before a place (None: until now), the last first."""
    place = before or Position(2**62, 2**62)
    return tx.all(queries.LATEST, turn=place.turn, sequence=place.sequence, most=most)


def latest_of_project(tx: Tx, project_id: str, most: int) -> list[EventRow]:
    """What happened in a project, the last first."""
    return tx.all(queries.LATEST_OF_PROJECT, project=project_id, most=most)
