"""Attachments: a volume that a server has, or that a client has announced to attach."""

from typing import Annotated, Any, Literal

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, table

State = Literal["reserved", "attaching", "attached", "detaching"]


@table("volume_attachments")
class AttachmentRow(Row, frozen=True):
    id: Annotated[str, Key()]
    volume_id: Annotated[str, Index(), References("volumes.id", on_delete="CASCADE")]
    project_id: Annotated[str, Index()]
    server_id: Annotated[str | None, Index()]
    host_id: str | None
    device: str | None
    """`/dev/vdb`"""
    state: State
    by_compute: bool
    """Compute plugs and unplugs it; others may not take it away."""
    mode: str
    """`rw` or `ro`"""
    delete_on_termination: bool
    boot_index: int | None
    tag: str | None
    connector: dict[str, Any] | None
    generation: int
    created_at: Moment
    attached_at: Moment | None
    throttle: dict[str, int] = msgspec.field(default_factory=dict)
    """What the guest may do with it in a second; see `model.qos`."""
