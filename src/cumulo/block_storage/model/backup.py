"""Backups of volumes, and what their status is: a pure function of what is wanted and done."""

from typing import Annotated

import msgspec

from cumulo.block_storage.model.volume import Wanted
from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, Row, table

DRIVER = "cinder.backup.drivers.cumulo_file"
"""What an exported record says of who can read it."""
CONTAINER = "volumebackups"


@table("volume_backups", IndexOn("project_id", "created_at"), IndexOn("volume_id", "created_at"))
class BackupRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    volume_id: str
    """It may be gone since."""
    snapshot_id: Annotated[str | None, Index()]
    """It was made of this snapshot of the volume."""
    parent_id: Annotated[str | None, Index()]
    """It holds what is otherwise than in that one."""
    content_id: Annotated[str, Index()]
    """What the store knows its bytes by; an imported record has those of another."""
    size: int
    """GiB, of the volume"""
    container: str
    availability_zone: str | None
    metadata: dict[str, str]
    bootable: bool
    image_metadata: dict[str, str] | None
    """Of the volume, for the one that it is restored to."""
    object_count: int
    """Pieces that were stored for it."""
    data_timestamp: Moment
    """Of which moment its bytes are."""
    wanted: Wanted
    made: bool
    restoring: int
    """So many volumes are being restored from it."""
    fault: str | None
    declared: str | None
    status: str
    """The stored copy of `backup_status_of`."""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None
    volume_metadata: dict[str, str] = msgspec.field(default_factory=dict)
    """As the volume had it then."""


def backup_status_of(
    *,
    wanted: Wanted,
    made: bool,
    restoring: int = 0,
    fault: str | None = None,
    declared: str | None = None,
) -> str:
    if wanted == "absent":
        return "error_deleting" if fault else "deleting"
    if declared is not None:
        return declared
    if not made:
        return "error" if fault else "creating"
    return "restoring" if restoring else "available"


def backup_status(row: BackupRow) -> str:
    return backup_status_of(
        wanted=row.wanted,
        made=row.made,
        restoring=row.restoring,
        fault=row.fault,
        declared=row.declared,
    )
