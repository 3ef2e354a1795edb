"""What other services may ask of image.

Events emitted: image.{create,update,upload,stage,import,activate,delete,deactivate,reactivate},
image.{upload_failed,import_failed}, image.copy.delete, image.location.{add,delete},
image.member.{create,update,delete}, image.task.{create,success,failure}.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx


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
    path: str | None
    """The file, for hosts that share this machine's disks. None until the image is active, and
    while an image of remote stores has no copy here yet: asking for it in a writing transaction
    begins the copy, so ask again."""


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


class Images(Protocol):
    def reserve(self, tx: Tx, principal: Principal, wish: NewImage) -> str:
        """The row of a new image in the caller's project, `queued`; its id."""

    def usable(self, tx: Tx, image_id: str, principal: Principal) -> ImageInfo:
        """An image that the caller may see. Raises NotFound, in Glance's words."""

    def find(self, tx: Tx, image_ids: Sequence[str]) -> dict[str, ImageInfo]:
        """Images by id, whoever owns them; unknown ids are absent."""
