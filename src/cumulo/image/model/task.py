"""Tasks: what the API shows of work on images that goes on after the request. The work itself is a
job of the same id (`image.jobs`)."""

from typing import Annotated, Any, Literal

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, table

TaskStatus = Literal["pending", "processing", "success", "failure"]
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
    created_at: Annotated[Moment, Index()]
    updated_at: Moment
    expires_at: Moment | None
    """When it is forgotten; set when it has ended."""
