"""The rows of events and of those who follow them."""

from typing import Annotated, Any, NamedTuple

from cumulo.core.clock import Moment
from cumulo.core.db.rows import IndexOn, Key, Row, Serial, table


class Position(NamedTuple):
    """A place in the order of all events. Written `turn-sequence`, an event's id for clients."""

    turn: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.turn}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Raises ValueError."""
        turn, dash, sequence = text.partition("-")
        if not (dash and len(text) <= 40 and turn.isdecimal() and sequence.isdecimal()):
            raise ValueError(text)
        found = cls(int(turn), int(sequence))
        if max(found) >= 2**63:
            raise ValueError(text)
        return found


START = Position(0, 0)


@table(
    "events",
    IndexOn("resource_id", "sequence"),
    IndexOn("turn", "sequence"),
    IndexOn("project_id", "turn", "sequence"),
)
class EventRow(Row, frozen=True):
    """One event. `type` reads like `volume.create.start`; `detail` is what a person wants to
    know beyond it (the reason of a failure, the chosen host), 4 kB at most."""

    sequence: Annotated[int, Serial()]
    turn: int
    """The transaction's own number on PostgreSQL, where a lower `sequence` may be committed later
    than a higher one; 0 on SQLite."""
    at: Moment
    type: str
    service: str
    resource_type: str
    resource_id: str
    project_id: str | None
    user_id: str | None
    request_id: str | None
    detail: dict[str, Any]

    @property
    def position(self) -> Position:
        return Position(self.turn, self.sequence)


@table("event_consumers")
class ConsumerRow(Row, frozen=True):
    """How far a named consumer has read."""

    name: Annotated[str, Key()]
    turn: int
    sequence: int
    alive_at: Moment
    """When it last read, or had nothing to read."""
    dropped_at: Moment | None
    """It was away for too long: history no longer waits for it."""
    fault: str | None

    @property
    def position(self) -> Position:
        return Position(self.turn, self.sequence)


@table("event_base")
class BaseRow(Row, frozen=True):
    """What is added to PostgreSQL's transaction numbers, which begin anew when a database is
    loaded into another server: turns only grow. One row at most."""

    id: Annotated[int, Key()]
    base: int
