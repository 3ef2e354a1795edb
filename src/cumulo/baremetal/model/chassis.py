"""Chassis: what nodes stand in."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, table


@table("baremetal_chassis")
class ChassisRow(Row, frozen=True):
    id: Annotated[str, Key()]
    description: str | None
    extra: dict[str, Any]
    created_at: Moment
    updated_at: Moment | None
