"""Shares, and what their status is: a pure function of what is wanted and what is seen."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

Wanted = Literal["present", "absent"]
AFFINITY, APART = "__affinity_same_host", "__affinity_different_host"
"""Metadata (2.65): the ids of the shares beside which, or apart from which, a share was made; each
of those names it, too. Schedulers write them, and administrators."""
AWAITING_TRANSFER = "awaiting_transfer"
"""What is declared of a share while it is given away"""


@table(
    "share_shares",
    IndexOn("project_id", "created_at"),
    IndexOn("delete_at", where="delete_at IS NOT NULL"),
)
class ShareRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    size: int
    """GiB, as wanted"""
    protocol: str
    status: str
    """The stored copy of `status_of`."""
    type_id: Annotated[str, Index(), References("share_types.id")]
    share_network_id: Annotated[str | None, Index(), References("share_networks.id")]
    server_id: Annotated[str | None, Index(), References("share_servers.id")]
    host_id: Annotated[str | None, Index(), References("hosts.id")]
    """None: there was no host for it."""
    snapshot_id: Annotated[str | None, Index()]
    """What it was made from."""
    metadata: dict[str, str]
    is_public: bool
    availability_zone: str
    wanted: Wanted
    generation: int
    observed_generation: int
    observed_size: int
    """GiB; 0: it is not there"""
    lost: bool
    """It was there, and its host does not find it any more."""
    fault: str | None
    declared: str | None
    """A status that an administrator has set, until it is set again."""
    shrink_to: int | None
    """GiB that it shall become small to; its size is as before until its host has done it."""
    data_loss: bool
    """The fault is that more is in it than it shall become small to."""
    revert_to: str | None
    """The snapshot that it shall become, until its host has done it."""
    delete_at: Moment | None
    """It is in the recycle bin, and deleted then."""
    location_metadata: dict[str, str]
    """Of its export locations (2.87)"""
    managing: bool
    """It is said to be on its host, which has not seen it yet."""
    task_state: str | None
    """How far a migration was, in an administrator's words."""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None


def status_of(
    *,
    wanted: Wanted,
    size: int,
    observed_size: int,
    fault: str | None,
    lost: bool = False,
    from_snapshot: bool = False,
    declared: str | None = None,
    shrinking: bool = False,
    data_loss: bool = False,
    reverting: bool = False,
    managing: bool = False,
) -> str:
    """The API's word for a share. A fault of one that is as large as it shall be is a fault of its
    rules, which say so themselves."""
    if wanted == "absent":
        return "error_deleting" if fault else "deleting"
    if declared is not None:
        return declared
    if managing:
        return "manage_error" if fault else "manage_starting"
    if lost:
        return "error"
    if observed_size == 0:
        if fault:
            return "error"
        return "creating_from_snapshot" if from_snapshot else "creating"
    if observed_size < size:
        return "extending_error" if fault else "extending"
    if shrinking:
        if data_loss:
            return "shrinking_possible_data_loss_error"
        return "shrinking_error" if fault else "shrinking"
    if reverting:
        return "reverting_error" if fault else "reverting"
    return "available"


def share_status(row: ShareRow) -> str:
    return status_of(
        wanted=row.wanted,
        size=row.size,
        observed_size=row.observed_size,
        fault=row.fault,
        lost=row.lost,
        from_snapshot=row.snapshot_id is not None,
        declared=row.declared,
        shrinking=row.shrink_to is not None,
        data_loss=row.data_loss,
        reverting=row.revert_to is not None,
        managing=row.managing,
    )


def older_status(status: str) -> str:
    """Before 2.54 there was one word for both."""
    return "creating" if status == "creating_from_snapshot" else status


def progress(row: ShareRow) -> str | None:
    """2.54"""
    if row.observed_size:
        return "100%"
    return "0%" if row.status == "creating_from_snapshot" else None
