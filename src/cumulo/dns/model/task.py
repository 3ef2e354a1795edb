"""Imports and exports of zone files: what became of them."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import IndexOn, Key, Row, table


@table("dns_tasks", IndexOn("project_id", "type", "created_at"))
class TaskRow(Row, frozen=True):
    id: Annotated[str, Key()]
    type: Literal["IMPORT", "EXPORT"]
    project_id: str
    zone_id: str | None
    status: Literal["COMPLETE", "ERROR"]
    message: str | None
    location: str | None
    created_at: Moment
    updated_at: Moment | None
