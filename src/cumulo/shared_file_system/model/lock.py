"""Locks: somebody's word that a share or an access rule shall stay, or that a rule is not shown."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, Row, table

DELETE, SHOW = "delete", "show"
ACTIONS = {"share": (DELETE,), "access_rule": (DELETE, SHOW)}
"""What can be locked of each kind of resource."""


@table("share_locks", IndexOn("project_id", "created_at"))
class LockRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    resource_id: Annotated[str, Index()]
    resource_type: str
    resource_action: str
    lock_context: str
    """Who made it: `user`, or `admin`, whose locks users cannot undo."""
    lock_reason: str | None
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None
