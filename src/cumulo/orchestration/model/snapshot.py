"""Snapshots: what a stack was at a moment, and what was saved of its things."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, table


@table("orchestration_snapshots")
class SnapshotRow(Row, frozen=True):
    id: Annotated[str, Key()]
    stack_id: Annotated[str, Index(), References("orchestration_stacks.id", on_delete="CASCADE")]
    name: str
    status: str
    """IN_PROGRESS, COMPLETE or FAILED."""
    status_reason: str
    data: dict[str, Any]
    """The stack's document; a resource's `saved` is the id of what was saved of it."""
    created_at: Moment
