"""What other services may ask of image."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.types import events, on
from cumulo.core.work.jobs import Run
from cumulo.image.meters import METERS

EVENTS = (
    *events(
        "image",
        on("image", "image.create", "image.delete", name=str | None),
        on(
            "image",
            "image.update",
            changed=list[str] | None,
            tag=str | None,
            untag=str | None,
        ),
        on("image", "image.stage", "image.upload", "image.deactivate", "image.reactivate"),
        on("image", "image.activate", size=int),
        on("image", "image.import", method=str, stores=list[str] | None),
        on("image", "image.import_failed", "image.upload_failed", reason=str),
        on("image", "image.copy.delete", "image.location.delete", store=str),
        on("image", "image.location.add", url=str),
        on("image", "image.member.create", "image.member.delete", member=str),
        on("image", "image.member.update", status=str),
        on("task", "image.task.create", type=str, image=str | None),
        on("task", "image.task.success", "image.task.failure", image=str | None, message=str),
        *(
            on("metadef", f"image.metadef.namespace.{verb}", name=str)
            for verb in ("create", "update", "delete")
        ),
        *(
            on(
                "metadef",
                f"image.metadef.{noun}.{verb}",
                namespace=str,
                name=str | None,
                old_name=str | None,
            )
            for noun in ("property", "object", "tag", "resource_type")
            for verb in ("create", "update", "delete", "clear")
        ),
    ),
    *(event for each in METERS for event in each.declared("image")),
)


class ImageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An image as compute and block storage see it."""

    id: str
    name: str | None
    status: str
    owner: str | None
    disk_format: str | None
    container_format: str | None
    size: int | None
    """Bytes of the file."""
    virtual_size: int | None
    """Bytes of the disk that it holds."""
    sha512: str | None
    """`os_hash_value`."""
    min_disk: int
    """GiB"""
    min_ram: int
    """MiB"""
    protected: bool
    properties: dict[str, str]


class NewImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that another service makes: of a server, say. Its bytes follow by `receive`."""

    name: str
    disk_format: str
    container_format: str = "bare"
    min_disk: int = 0
    min_ram: int = 0
    properties: dict[str, str] = {}
    visibility: str = "private"


class ImageUploads(Protocol):
    async def receive(
        self,
        image_id: str,
        body: AsyncIterator[bytes],
        who: Principal,
        allow: Callable[..., None],
    ) -> None:
        """Take the bytes of a queued image; `allow(tx, row)` may refuse. Afterwards it is active,
        or queued again with no bytes. Raises core.faults."""

    async def of_job(
        self, run: Run[Any], image_id: str, body: Callable[[], AsyncIterator[bytes]], who: Principal
    ) -> None:
        """The step of another service's job that hands over the bytes of an image which it has
        reserved: done a second time, it does nothing. Raises Failed for an image that was deleted,
        OSError while an upload that was killed is being cleared away, core.faults."""


class Images(Protocol):
    def reserve(self, tx: Tx, principal: Principal, wish: NewImage) -> str:
        """The row of a new image in the caller's project, `queued`; its id."""

    def remove(self, tx: Tx, image_id: str) -> None:
        """An image that a service made goes, whatever its state; nothing to do is no error."""

    def activate_empty(self, tx: Tx, image_id: str) -> None:
        """A queued image that has no bytes, and says in its properties what it stands for, is
        whole."""

    def usable(self, tx: Tx, image_id: str, principal: Principal) -> ImageInfo:
        """An image that the caller may see. Raises NotFound, in Glance's words."""

    def find(self, tx: Tx, image_ids: Sequence[str]) -> dict[str, ImageInfo]:
        """Images by id, whoever owns them; unknown ids are absent."""
