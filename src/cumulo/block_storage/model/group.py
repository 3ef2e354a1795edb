"""Groups of volumes, and what their status is: a pure function of what is wanted and their volumes.

A group is a row of the control plane alone: hosts know volumes only. One that is made from another
is `creating` until the last of its volumes is there; one that goes with its volumes is `deleting`
until the last of them is gone.
"""

from collections.abc import Iterable
from typing import Annotated

from cumulo.block_storage.model.volume import Wanted
from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table


@table("volume_groups", IndexOn("project_id", "created_at"))
class GroupRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    group_type_id: Annotated[str, Index(), References("volume_group_types.id")]
    volume_types: list[str]
    """Ids of the types that its volumes may have."""
    availability_zone: str
    group_snapshot_id: str | None
    source_group_id: str | None
    """What it was made from; may be gone since."""
    wanted: Wanted
    making: bool
    """It is made from another one, and not all of its volumes were seen yet."""
    declared: str | None
    """A status that an administrator has set."""
    status: str
    """The stored copy of `group_status_of`."""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None


@table("volume_group_snapshots", IndexOn("project_id", "created_at"))
class GroupSnapshotRow(Row, frozen=True):
    """Snapshots of all volumes of a group, taken at one moment."""

    id: Annotated[str, Key()]
    group_id: Annotated[str, Index(), References("volume_groups.id")]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    group_type_id: str
    wanted: Wanted
    making: bool
    declared: str | None
    status: str
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None


def group_status_of(
    *, wanted: Wanted, making: bool, parts: Iterable[str], declared: str | None = None
) -> str:
    """`parts`: the statuses of its volumes, or of a group snapshot's snapshots."""
    found = set(parts)
    if wanted == "absent":
        return "error_deleting" if "error_deleting" in found else "deleting"
    if declared is not None:
        return declared
    if not making:
        return "available"
    if "error" in found:
        return "error"
    return "creating" if is_making(found) else "available"


def is_making(parts: Iterable[str]) -> bool:
    """Some are not there yet, or could not be made."""
    return not {"creating", "downloading", "error"}.isdisjoint(parts)
