"""Images, whom they are shared with, and the bytes that wait to be removed."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

Content = Literal["none", "saving", "present"]
Visibility = Literal["private", "shared", "community", "public"]
MemberStatus = Literal["pending", "accepted", "rejected"]

DISK_FORMATS = (
    "ami",
    "ari",
    "aki",
    "vhd",
    "vhdx",
    "vmdk",
    "raw",
    "qcow2",
    "vdi",
    "iso",
    "ploop",
)
CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
VISIBILITIES = ("private", "shared", "community", "public")
HASH = "sha512"


@table("images", IndexOn("owner", "created_at"), IndexOn("visibility", "created_at"))
class ImageRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str | None
    owner: str | None
    status: str
    """The stored copy of `status_of`."""
    content: Content
    upload_id: str | None
    """The upload that is at work, so that a late end of an older one is told from it."""
    deactivated: bool
    visibility: Visibility
    os_hidden: bool
    protected: bool
    disk_format: str | None
    container_format: str | None
    min_disk: int
    """GiB"""
    min_ram: int
    """MiB"""
    size: int | None
    """Bytes of the file; None until it is whole."""
    virtual_size: int | None
    """Bytes of the disk in it; None where the format's header does not tell."""
    checksum: str | None
    """md5, for clients; `hash_value` is what is relied on."""
    hash_value: str | None
    """sha512"""
    tags: list[str]
    properties: dict[str, str]
    created_at: Annotated[Moment, Index()]
    updated_at: Moment


@table("image_members")
class MemberRow(Row, frozen=True):
    """A project that a shared image is offered to."""

    image_id: Annotated[str, Key(), References("images.id", on_delete="CASCADE")]
    member_id: Annotated[str, Key(), Index()]
    status: MemberStatus
    created_at: Moment
    updated_at: Moment


@table("image_removals")
class RemovalRow(Row, frozen=True):
    """Bytes of a deleted image that are still in the store: work until the row is gone."""

    image_id: Annotated[str, Key()]
    attempts: int
    due: Annotated[Moment, Index()]
    reason: str | None


def status_of(content: Content, deactivated: bool) -> str:
    """The API's word. `deleted` is a row that is not there any more."""
    if content == "none":
        return "queued"
    if content == "saving":
        return "saving"
    return "deactivated" if deactivated else "active"
