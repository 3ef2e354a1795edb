"""Snapshots: copies of volumes that do not change."""

from typing import Annotated

from cumulo.block_storage.model.volume import Wanted
from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table


@table("volume_snapshots", IndexOn("project_id", "created_at"))
class SnapshotRow(Row, frozen=True):
    id: Annotated[str, Key()]
    volume_id: Annotated[str, Index(), References("volumes.id")]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    metadata: dict[str, str]
    size: int
    status: str
    """The stored copy of `snapshot_status_of`."""
    host_id: Annotated[str, Index(), References("hosts.id")]
    wanted: Wanted
    generation: int
    observed_size: int
    """GiB; 0: it is not there"""
    fault: str | None
    declared: str | None
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None
    group_snapshot_id: Annotated[str | None, Index()] = None
    """The snapshot of a whole group that it is a part of: it comes and goes with that."""
    progress: str | None = None
    """What somebody said of it by os-update_snapshot_status: `80%`."""


def snapshot_status_of(
    *, wanted: Wanted, observed_size: int, fault: str | None, declared: str | None = None
) -> str:
    if wanted == "absent":
        return "error_deleting" if fault else "deleting"
    if declared is not None:
        return declared
    if fault:
        return "error"
    return "available" if observed_size else "creating"


def snapshot_status(row: SnapshotRow) -> str:
    return snapshot_status_of(
        wanted=row.wanted,
        observed_size=row.observed_size,
        fault=row.fault,
        declared=row.declared,
    )
