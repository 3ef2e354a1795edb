"""Images, and whom they are shared with."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

Content = Literal["none", "saving", "staging", "staged", "importing", "present"]
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
    "gpt",
    "luks",
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
    """The job of the upload that is at work: a late end of an older one is told from it."""
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
    hash_algo: str | None
    hash_value: str | None
    """sha512, or what the user of a location wished"""
    stores: list[str]
    """The stores that have the bytes, sorted: the stored copy of the locations' rows."""
    staged_size: int | None
    """Bytes that wait for their import; None: nothing is staged."""
    import_task: str | None
    """The task that is at work on the image: no second one may be."""
    importing_to: list[str] | None
    """Stores that an import has still to reach; None: there was no import."""
    failed_import: list[str] | None
    tags: list[str]
    properties: dict[str, str]
    created_at: Annotated[Moment, Index()]
    updated_at: Moment

    @property
    def project_id(self) -> str:
        """Who pays for it; empty: nobody does."""
        return self.owner or ""


@table("image_members")
class MemberRow(Row, frozen=True):
    """A project that a shared image is offered to."""

    image_id: Annotated[str, Key(), References("images.id", on_delete="CASCADE")]
    member_id: Annotated[str, Key(), Index()]
    status: MemberStatus
    created_at: Moment
    updated_at: Moment


_WORDS: dict[Content, str] = {
    "none": "queued",
    "saving": "saving",
    "staging": "uploading",
    "staged": "uploading",
    "importing": "importing",
    "present": "active",
}


def status_of(content: Content, deactivated: bool) -> str:
    """The API's word. `deleted` is a row that is not there any more."""
    return "deactivated" if content == "present" and deactivated else _WORDS[content]


@table("images_past")
class PastImageRow(Row, frozen=True):
    """An image that was deleted: its id is nobody's any more."""

    id: Annotated[str, Key()]
    deleted_at: Moment
