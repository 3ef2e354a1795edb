"""Stacks: what somebody wants, as a template with its parameters, and how far it has come.

A stack's state is two words, its action and the action's status, as Heat has them. Which
*traversal* it is in is a number that grows with each change that is asked for: a resource that
belongs to an older one is overtaken.
"""

from typing import Annotated, Any, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

Action = Literal[
    "CREATE",
    "DELETE",
    "UPDATE",
    "ROLLBACK",
    "SUSPEND",
    "RESUME",
    "ADOPT",
    "SNAPSHOT",
    "CHECK",
    "RESTORE",
]
Status = Literal["IN_PROGRESS", "COMPLETE", "FAILED"]


@table(
    "orchestration_stacks",
    IndexOn("project_id", "created_at"),
    IndexOn("project_id", "name"),
    IndexOn("status", "deadline"),
)
class StackRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    project_id: str
    user_id: str
    """Who made it last: the work is done as this user in this project."""
    roles: list[str]
    """What the user's roles were then: work is done with no other ones."""
    parent_id: Annotated[str | None, Index()]
    """The resource that this nested stack is."""
    root_id: Annotated[str, Index()]
    depth: int
    template: dict[str, Any]
    files: dict[str, str]
    """Empty where `files_digest` says which ones they are."""
    environment: dict[str, Any]
    """Merged; see language.environment."""
    parameters: dict[str, Any]
    """Given values by name, as they came."""
    previous: dict[str, Any] | None
    """template, files (their digest), environment and parameters of the last state that came true
    (or, where none ever did, of the one before): where a rollback leads. None: there was none
    before this one."""
    description: str
    tags: list[str]
    timeout_mins: int | None
    disable_rollback: bool
    action: Action
    status: Status
    reason: str
    traversal: int
    left: int
    """Resources of this traversal's phase that are not done."""
    phase: int
    """1: making and changing; 2: removing what is no longer wanted."""
    deadline: Moment | None
    created_at: Moment
    updated_at: Moment | None
    deleted_at: Moment | None
    lent: dict[str, str]
    """`Principal.lent` of whoever made it last: the work ends when that does."""
    reached: bool
    """What is wished for came true: all of it was made, whatever has happened since."""
    files_digest: str
    """Its files, kept for the whole tree (`files.FilesRow`); empty: it has none."""

    @property
    def word(self) -> str:
        return f"{self.action}_{self.status}"


@table("orchestration_names")
class StackNameRow(Row, frozen=True):
    """The name of a live stack in its project: what makes two the same impossible."""

    project_id: Annotated[str, Key()]
    name: Annotated[str, Key()]
    stack_id: Annotated[str, Index()]


@table("orchestration_events", IndexOn("stack_id", "sequence"), IndexOn("root_id", "sequence"))
class StackEventRow(Row, frozen=True):
    """What happened to a resource of a stack, or to the stack itself."""

    id: Annotated[str, Key()]
    sequence: int
    """Within the root stack's time order."""
    stack_id: Annotated[str, References("orchestration_stacks.id", on_delete="CASCADE")]
    root_id: str
    resource_name: str
    resource_type: str
    physical_id: str | None
    action: str
    status: str
    reason: str
    properties: dict[str, Any]
    at: Moment
