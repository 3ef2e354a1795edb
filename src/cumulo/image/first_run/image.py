"""The guest image `cumulo-guest`, public."""

from collections.abc import AsyncIterator
from pathlib import Path

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.ids import child_id
from cumulo.core.work import pools
from cumulo.identity.interface import FirstUsers
from cumulo.image.model.image import ImageRow
from cumulo.image.service.image import ImageService
from cumulo.settings import Settings

GUEST_IMAGE = "cumulo-guest"
GUEST_PROPERTIES = {
    "os_admin_user": "cumulo",
    "os_distro": "debian",
    "os_type": "linux",
    "hw_disk_bus": "virtio",
    "hw_vif_model": "virtio",
    "hw_rng_model": "virtio",
    "hw_qemu_guest_agent": "yes",
    "hw_architecture": "x86_64",
}


class FirstImage:
    def __init__(
        self, settings: Settings, database: Database, image: ImageService, users: FirstUsers
    ) -> None:
        self._settings = settings
        self._database = database
        self._image = image
        self._users = users

    async def make(self) -> None:
        """The guest image, public; a made-up one where nothing runs in earnest."""
        image, who = self._image, await self._database.read(self._users.operator)
        fake, path = self._settings.fake, self._settings.guest_image
        if not fake and not path.exists():
            return
        row = await self._database.write(
            lambda tx: _guest_image(tx, image, who, "raw" if fake else "qcow2"),
            name="first run: image",
        )
        if row is not None and row.content == "none":
            body = _made_up() if fake else _pieces(path)
            await image.uploads.receive(row.id, body, who, lambda tx, row: None)


def _guest_image(tx: Tx, image: ImageService, who: Principal, disk_format: str) -> ImageRow | None:
    """The row, ready for its bytes; None while those of an earlier one wait for their removal."""
    image_id = child_id("cumulo", "image", GUEST_IMAGE)
    found = tx.get(ImageRow, image_id)
    if found is not None and found.upload_id is not None and image.uploads.abandoned(tx, found):
        # An earlier start was killed while it copied.
        image.uploads.take_back(tx, image_id, found.upload_id, "the upload was interrupted")
        return tx.get(ImageRow, image_id)
    if found is not None or image.contents.being_removed(tx, image_id):
        return found
    attributes = {
        "id": image_id,
        "name": GUEST_IMAGE,
        "visibility": "public",
        "disk_format": disk_format,
        "container_format": "bare",
        "min_ram": 96,
    }
    return image.images.create(tx, attributes, GUEST_PROPERTIES, who.project_id, who)


async def _made_up() -> AsyncIterator[bytes]:
    yield bytes(64 * 1024)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await pools.DISK(file.read, 1024 * 1024):
            yield piece
