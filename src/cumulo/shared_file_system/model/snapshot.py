"""Snapshots: what a share was at one moment."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table
from cumulo.shared_file_system.model.share import Wanted


@table("share_snapshots", IndexOn("project_id", "created_at"))
class SnapshotRow(Row, frozen=True):
    id: Annotated[str, Key()]
    share_id: Annotated[str, Index(), References("share_shares.id")]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    size: int
    protocol: str
    status: str
    """The stored copy of `snapshot_status_of`."""
    host_id: Annotated[str, Index(), References("hosts.id")]
    wanted: Wanted
    generation: int
    made: bool
    fault: str | None
    declared: str | None
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None
    metadata: dict[str, str]
    managing: bool
    """It is said to be on its host, which has not seen it yet."""


def snapshot_status_of(
    *,
    wanted: Wanted,
    made: bool,
    fault: str | None,
    declared: str | None = None,
    managing: bool = False,
) -> str:
    if wanted == "absent":
        return "error_deleting" if fault else "deleting"
    if declared is not None:
        return declared
    if managing:
        return "manage_error" if fault else "manage_starting"
    if fault:
        return "error"
    return "available" if made else "creating"


def snapshot_status(row: SnapshotRow) -> str:
    return snapshot_status_of(
        wanted=row.wanted,
        made=row.made,
        fault=row.fault,
        declared=row.declared,
        managing=row.managing,
    )
