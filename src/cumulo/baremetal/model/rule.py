"""Inspection rules: what follows from what an inspection found."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, table


@table("baremetal_inspection_rules")
class RuleRow(Row, frozen=True):
    id: Annotated[str, Key()]
    description: str | None
    priority: int
    """The highest first."""
    sensitive: bool
    """What it asks and does is not shown."""
    phase: str
    conditions: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    created_at: Moment
    updated_at: Moment | None
