"""Volumes, and what their status is: a pure function of what is wanted and what is seen."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

Wanted = Literal["present", "absent"]
Mark = Literal[
    "",
    "attaching",
    "detaching",
    "reserved",
    "awaiting-transfer",
    "uploading",
    "backing-up",
    "restoring-backup",
]


@table("volumes", IndexOn("project_id", "created_at"))
class VolumeRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    size: int
    """GiB, as wanted"""
    status: str
    """The stored copy of `status_of`."""
    type_id: Annotated[str, References("volume_types.id")]
    availability_zone: str
    bootable: bool
    read_only: bool | None
    """None: nobody has said."""
    multiattach: bool
    metadata: dict[str, str]
    image_metadata: dict[str, str] | None
    image_id: str | None
    snapshot_id: str | None
    source_volume_id: str | None
    source_format: str | None
    """Of the image that it is made from."""
    content: int
    """The generation that asked for what is in it; 0: it has what it was made of, or what its host
    has of it."""
    host_id: Annotated[str | None, Index(), References("hosts.id")]
    """None: there was no host with room."""
    wanted: Wanted
    generation: int
    observed_generation: int
    observed_size: int
    """GiB; 0: it is not there"""
    connection: dict[str, Any] | None
    """How a guest opens it, as its host's driver says."""
    fault: str | None
    """Why the host could not do what this generation asks."""
    mark: Mark
    """What a client has announced (os-reserve, os-begin_detaching …), or what goes on with it."""
    declared: str | None
    """A status that an administrator has set by os-reset_status, until it is set again."""
    attachments: list[str]
    """States of its attachments: the part of those rows that the status depends on."""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None
    group_id: Annotated[str | None, Index()] = None
    """The group that it is in: a `group.GroupRow`, which stays as long as it has volumes."""
    reverting_to: str | None = None
    """The snapshot that is to be in it again; None: nobody has asked, or it is there."""


def status_of(
    *,
    wanted: Wanted,
    size: int,
    observed_size: int,
    fault: str | None,
    lost: bool = False,
    from_image: bool = False,
    reverting: bool = False,
    mark: Mark = "",
    attachments: Sequence[str] = (),
    declared: str | None = None,
) -> str:
    """The API's word for a volume."""
    if wanted == "absent":
        return "error_deleting" if fault else "deleting"
    if declared is not None:
        return declared
    if observed_size == 0:
        if fault:
            return "error"
        if reverting:
            return "reverting"
        return "downloading" if from_image else "creating"
    if lost:
        return "error"
    if observed_size < size:
        return "error_extending" if fault else "extending"
    if mark == "detaching":
        return "detaching"
    if "attached" in attachments:
        return "in-use"
    for state in ("detaching", "attaching", "reserved"):
        if state in attachments:
            return state
    return mark or "available"


def volume_status(row: VolumeRow) -> str:
    return status_of(
        wanted=row.wanted,
        size=row.size,
        observed_size=row.observed_size,
        fault=row.fault,
        lost=row.fault is not None and row.connection is None,
        from_image=row.image_id is not None,
        reverting=row.reverting_to is not None,
        mark=row.mark,
        attachments=row.attachments,
        declared=row.declared,
    )
