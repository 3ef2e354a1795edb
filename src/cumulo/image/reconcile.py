"""What makes the store of bytes equal to the rows: removals, and uploads that were interrupted."""

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.work.reconciler import backoff
from cumulo.image.model.image import ImageRow, RemovalRow
from cumulo.image.service.image import ImageService
from cumulo.image.store import image as store

START = "start"
"""The id of the work that is done once, when the process starts."""


class ImageRemovals:
    """Removes the bytes of deleted images; at its start also what no image row knows."""

    name = "image removals"

    def __init__(self, database: Database, images: ImageService) -> None:
        self._database = database
        self._images = images
        self._started = False

    def due(self, tx: Tx, most: int) -> list[str]:
        if not self._started:
            return [START]
        return [row.image_id for row in tx.all(store.REMOVALS, now=tx.now, most=most)]

    async def step(self, id: str) -> None:
        if id == START:
            await self._start()
            return
        await self._images.content.remove(id)
        await self._database.write(lambda tx: _gone(tx, id), name="image removed")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(RemovalRow, id)
        if row is not None:
            attempts = row.attempts + 1
            due = later(tx.now, backoff(attempts))
            tx.update(row, attempts=attempts, due=due, reason=reason)

    async def _start(self) -> None:
        """A kill between the renaming of bytes and the commit leaves bytes that no row knows."""
        if not self._images.uploads.live:
            await self._images.content.forget_unfinished()
        found = await self._images.content.list()
        unknown = await self._database.read(lambda tx: _unknown(tx, list(found)))
        for image_id in unknown:
            await self._images.content.remove(image_id)
        self._started = True


def _gone(tx: Tx, image_id: str) -> None:
    row = tx.get(RemovalRow, image_id)
    if row is not None:
        tx.delete(row)


def _unknown(tx: Tx, found: list[str]) -> list[str]:
    return [image_id for image_id in found if _has_no_bytes(tx.get(ImageRow, image_id))]


def _has_no_bytes(row: ImageRow | None) -> bool:
    return row is None or row.content == "none"


class InterruptedUploads:
    """Takes images back to `queued` whose upload no process is at any more."""

    name = "image uploads"

    def __init__(self, database: Database, images: ImageService) -> None:
        self._database = database
        self._uploads = images.uploads

    def due(self, tx: Tx, most: int) -> list[str]:
        rows = tx.all(store.SAVING)
        return [row.id for row in rows if row.upload_id not in self._uploads.live][:most]

    async def step(self, id: str) -> None:
        await self._database.write(lambda tx: self._take_back(tx, id), name="take upload back")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """Nothing to note: the row itself is the work."""

    def _take_back(self, tx: Tx, image_id: str) -> None:
        row = tx.get(ImageRow, image_id)
        upload = None if row is None else row.upload_id
        if upload is not None and upload not in self._uploads.live:
            self._uploads.take_back(tx, image_id, upload, "the upload was interrupted")
