"""Tasks: work on images that goes on after the request, as durable operations."""

from typing import Annotated, Any, Literal

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, table

TaskStatus = Literal["pending", "processing", "success", "failure"]
Step = Literal["begin", "fetch", "rewrite", "store", "verify", "end"]
TYPES = ("import", "api_image_import", "location_import")
METHODS = ("glance-direct", "web-download", "copy-image", "glance-download")


class Work(msgspec.Struct, frozen=True):
    """What the steps of a task leave for the next ones."""

    staged: str = ""
    """The key of the staged file."""
    staged_size: int = 0
    format: str = ""
    """The disk format of what is staged, where a step has changed it."""
    stored: list[str] = []
    """Stores that have the bytes because of this task."""
    failed: list[str] = []
    copied: int = 0
    """Bytes, for the message."""
    algorithm: str = ""
    expected: str = ""
    """The hash that a location's user expects."""
    roles: list[str] = []
    """Of who asked, for the property injection and remote images."""


@table("image_tasks")
class TaskRow(Row, frozen=True):
    """`step`, `lease_*` and `attempts` are the operation; the rest is what the API shows."""

    id: Annotated[str, Key()]
    type: str
    status: TaskStatus
    owner: str | None
    image_id: Annotated[str | None, Index()]
    user_id: str | None
    request_id: str | None
    input: dict[str, Any]
    result: dict[str, Any] | None
    message: str
    step: Step
    work: Work
    attempts: int
    lease_by: str | None
    """The process that is at it; None: nobody."""
    due: Annotated[Moment, Index()]
    """When somebody else may take it: the end of the lease."""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment
    expires_at: Moment | None
    """When it is forgotten; set when it has ended."""
