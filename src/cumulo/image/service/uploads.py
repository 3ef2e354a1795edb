"""Uploads: queued → saving → active, or back to queued with no bytes.

Two short transactions with the bytes between them. The end of an upload is a compare-and-swap on
(image, upload): an image that was deleted meanwhile, or taken back after an interruption, is not
revived, and its bytes go.
"""

from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import (
    BadRequest,
    Conflict,
    Fault,
    Gone,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from cumulo.core.ids import new_id
from cumulo.core.sim.points import reach
from cumulo.image import formats
from cumulo.image.model.content import ImageBytes, Received, Writer
from cumulo.image.model.image import ImageRow, status_of
from cumulo.image.service.images import MIB, Images, mebibytes
from cumulo.image.store import image as store

T = TypeVar("T")

BLOCK = MIB
# Glance's default of image_size_cap.
MOST_BYTES = 1024**4


class Uploads:
    def __init__(self, database: Database, images: Images, content: ImageBytes) -> None:
        self._database = database
        self._images = images
        self._content = content
        self.live: set[str] = set()
        """Uploads that this process is at; any other one in the rows was interrupted."""

    async def receive(
        self,
        image_id: str,
        body: AsyncIterator[bytes],
        who: Principal,
        allow: Any,
    ) -> None:
        """Take the bytes of an image; `allow(tx, row)` refuses who may not. Raises Faults."""
        upload = new_id()
        self.live.add(upload)
        try:
            row, room = await self._database.write(
                lambda tx: self._begin(tx, image_id, upload, who, allow), name="begin upload"
            )
            writer = self._content.writer(image_id)
            try:
                await self._take(row, writer, body, room)
            except BaseException as error:
                await writer.drop()
                await self._back(image_id, upload, str(error))
                raise
        finally:
            self.live.discard(upload)

    def _begin(
        self, tx: Tx, image_id: str, upload: str, who: Principal, allow: Any
    ) -> tuple[ImageRow, int]:
        """The row in the state `saving`, and how many bytes the quota has room for."""
        row = self._images.get(tx, image_id, who)
        allow(tx, row)
        if row.content != "none":
            raise Conflict(f"Image status transition from {row.status} to saving is not allowed")
        if row.disk_format is None or row.container_format is None:
            missing = [n for n in ("disk_format", "container_format") if getattr(row, n) is None]
            raise BadRequest(f"Properties {', '.join(missing)} must be set prior to saving data.")
        room = MOST_BYTES
        if row.owner is not None:
            quotas = self._images.quotas
            quotas.take(tx, row.owner, image_count_uploading=1)
            limit = quotas.limit(tx, row.owner, "image_size_total")
            if limit >= 0:
                used = quotas.usages(tx, row.owner)["image_size_total"]
                room = min(room, max(0, limit - used) * MIB)
        changed = tx.update(
            row,
            content="saving",
            upload_id=upload,
            status=status_of("saving", row.deactivated),
            updated_at=tx.now,
        )
        emit(tx, "image.upload", row.id, principal=who)
        return changed, room

    async def _take(
        self, row: ImageRow, writer: Writer, body: AsyncIterator[bytes], room: int
    ) -> None:
        """Bytes to the store, looked at, kept, and the row made active."""
        received = await self._write(writer, body, room)
        virtual_size = _accepted(row, received)
        reach("image: before keep")
        try:
            await writer.keep()
        except OSError as error:
            raise Unavailable(f"Image storage media is not writable: {error}") from None
        reach("image: after keep")
        assert row.upload_id is not None
        upload = row.upload_id
        try:
            done = await self._database.write(
                lambda tx: self._end(tx, row, upload, received, virtual_size), name="end upload"
            )
        except Fault:
            await self._content.remove(row.id)
            raise
        if not done:
            await self._content.remove(row.id)
            raise Gone(f"Image {row.id} could not be found after upload. It may have been deleted.")

    async def _write(self, writer: Writer, body: AsyncIterator[bytes], room: int) -> Received:
        buffer = bytearray()
        total = 0
        async for piece in body:
            total += len(piece)
            if total > room:
                raise TooLarge("The size of the image exceeds the quota or the limit.")
            buffer += piece
            if len(buffer) >= BLOCK:
                await _stored(writer.write(bytes(buffer)))
                buffer.clear()
        if buffer:
            await _stored(writer.write(bytes(buffer)))
        return await _stored(writer.finish())

    def _end(
        self, tx: Tx, row: ImageRow, upload: str, got: Received, virtual_size: int | None
    ) -> bool:
        now = tx.get(ImageRow, row.id)
        if now is None or now.upload_id != upload:
            return False
        if now.owner is not None:
            quotas = self._images.quotas
            quotas.take(tx, now.owner, image_size_total=mebibytes(got.size))
            quotas.give_back(tx, now.owner, image_count_uploading=1)
        changed = tx.run(
            store.FINISH,
            key=row.id,
            upload=upload,
            new_content="present",
            new_status=status_of("present", now.deactivated),
            new_upload_id=None,
            new_size=got.size,
            new_virtual_size=virtual_size,
            new_checksum=got.md5,
            new_hash_value=got.sha512,
            new_updated_at=tx.now,
        )
        emit(tx, "image.activate", row.id, project_id=now.owner, size=got.size)
        return changed > 0

    async def _back(self, image_id: str, upload: str, reason: str) -> None:
        await self._database.write(
            lambda tx: self.take_back(tx, image_id, upload, reason), name="upload failed"
        )

    def take_back(self, tx: Tx, image_id: str, upload: str, reason: str) -> None:
        """An upload did not end well: queued again, with no bytes."""
        row = tx.get(ImageRow, image_id)
        if row is None or row.content != "saving" or row.upload_id != upload:
            return
        if row.owner is not None:
            self._images.quotas.give_back(tx, row.owner, image_count_uploading=1)
        tx.update(
            row,
            content="none",
            upload_id=None,
            status=status_of("none", row.deactivated),
            updated_at=tx.now,
        )
        emit(tx, "image.upload_failed", image_id, project_id=row.owner, reason=reason)


async def _stored(work: Coroutine[Any, Any, T]) -> T:
    """The store's own failures are about room."""
    try:
        return await work
    except OSError as error:
        raise TooLarge(f"Image storage media is full: {error}") from None


def _accepted(row: ImageRow, received: Received) -> int | None:
    """The virtual size. Raises UnsupportedMediaType for what must not become active."""
    if row.container_format != "bare" or row.disk_format == "ploop":
        return None
    found = formats.inspect(received.head, received.size)
    problem = formats.refusal(found, row.disk_format)
    if problem is not None:
        raise UnsupportedMediaType(f"Image content is not accepted: {problem}")
    return found.virtual_size
