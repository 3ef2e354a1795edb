"""Intervals: what was there, from when to when, with which facts. A bill is their sum."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import IndexOn, Row, Serial, table


@table(
    "telemetry_intervals",
    IndexOn("resource_id", "began"),
    IndexOn("project_id", "began"),
    IndexOn("ended"),
)
class IntervalRow(Row, frozen=True):
    id: Annotated[int, Serial()]
    resource_id: str
    resource_type: str
    project_id: str
    user_id: str | None
    name: str | None
    facts: dict[str, Any]
    began: Moment
    ended: Moment | None
    """None: it is there."""
