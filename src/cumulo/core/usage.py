"""Usage: what a bill follows from, said at the moment at which it changes.

A service declares, in its `meters.py`, what of a row costs something (`Metered`): the kind of
resource as telemetry names it, and its facts as a function of the row. Wherever it writes such rows
it says `metered.changed(tx, before, after)`: an event in the same transaction when the facts have
changed, and none when they have not. So the intervals that telemetry makes of these events end and
begin exactly when the rows did, and nothing is ever sampled that is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.events.types import EventType, events, on

Facts = Mapping[str, Any]
"""Plain values: a flavor's name, a size, a state."""


class Owned(Protocol):
    """What all metered rows have."""

    @property
    def id(self) -> str: ...
    @property
    def project_id(self) -> str: ...


R = TypeVar("R", bound=Owned)


@dataclass(frozen=True)
class Metered(Generic[R]):
    """One kind of thing that is paid for."""

    resource_type: str
    """As Gnocchi names it: `instance`, `volume` …"""
    event: str
    """The event's type: `compute.server.usage`."""
    facts: Callable[[R], Facts | None]
    """Of a row; None: it is not there."""
    name: Callable[[R], str | None] = lambda row: None

    def declared(self, service: str) -> tuple[EventType, ...]:
        """For the service's EVENTS."""
        kind = self.event.split(".")[-2]
        return events(
            service,
            on(kind, self.event, facts=dict[str, Any] | None, name=str | None, owner=str | None),
        )

    def changed(self, tx: Tx, before: R | None, after: R | None) -> None:
        """Write down what this transaction has changed of it, or to whom it was given. None: there
        was, there is none."""
        was = None if before is None else self.facts(before)
        now = None if after is None else self.facts(after)
        row = after if after is not None else before
        given = before is not None and after is not None and before.project_id != after.project_id
        if row is None or (was == now and not (given and now is not None)):
            return
        emit(
            tx,
            self.event,
            row.id,
            project_id=row.project_id,
            facts=None if now is None else dict(now),
            name=self.name(row),
            owner=getattr(row, "user_id", None),
        )
