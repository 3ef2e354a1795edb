"""Resources: one row for each thing that a stack has made or is to make.

The row says what is wanted of it (`goal`) and how far that is (`step`):

    todo ──▶ working ──▶ done                 todo, waits > 0: somebody that it needs is not done
      │          │
      └──────────┴─────▶ failed                a newer traversal begins at todo again

A replaced resource has two rows until the new one is done and the old one is removed.
"""

from typing import Annotated, Any, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

Goal = Literal["present", "absent"]
Step = Literal["todo", "working", "done", "failed"]


@table(
    "orchestration_resources",
    IndexOn("stack_id", "name"),
    IndexOn("project_id", "step", "waits", "due"),
    IndexOn("physical_id"),
)
class ResourceRow(Row, frozen=True):
    id: Annotated[str, Key()]
    stack_id: Annotated[str, References("orchestration_stacks.id", on_delete="CASCADE")]
    name: str
    type: str
    """As the template has it."""
    kind: str
    """The type that it stands for in the environment's registry."""
    goal: Goal
    step: Step
    traversal: int
    """The stack's traversal that set the goal."""
    phase: int
    waits: int
    """How many that it needs are not done."""
    due: Moment
    tries: int
    action: str
    """CREATE, UPDATE, DELETE, CHECK, SUSPEND …: what is done to it, or was last."""
    status: str
    """IN_PROGRESS, COMPLETE, FAILED; INIT before anything was done."""
    reason: str
    digest: str
    """Of its definition with parameters filled in: equal ones need nothing, unless what they stand
    on has changed."""
    properties: dict[str, Any]
    """Resolved, as they were last asked for."""
    metadata: dict[str, Any]
    physical_id: str | None
    made: bool
    """It was seen to be ready once."""
    stored: dict[str, Any]
    """What its type keeps."""
    requires: list[str]
    """Names of the resources that it stands on: they are made before it, and go after it."""
    replaces: Annotated[str | None, Index()]
    """The row in whose stead it is made."""
    deletion_policy: str
    hook: str
    """The hook that it waits at, say `pre-create`; empty: none."""
    created_at: Moment
    updated_at: Moment | None
    wanted: str
    """The digest of what it is to become; empty once it is that (`digest`)."""
    project_id: str
    """Of its stack: projects take turns."""


@table("orchestration_edges")
class EdgeRow(Row, frozen=True):
    """Who is told when a resource is done."""

    from_id: Annotated[str, Key(), References("orchestration_resources.id", on_delete="CASCADE")]
    to_id: Annotated[
        str, Key(), Index(), References("orchestration_resources.id", on_delete="CASCADE")
    ]
    """It stands on the first one."""
