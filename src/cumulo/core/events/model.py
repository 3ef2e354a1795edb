"""The row of an event."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import IndexOn, Row, Serial, table


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
