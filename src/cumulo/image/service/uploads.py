"""Uploads: queued → saving → active, and stages: queued → uploading; or back with no bytes.

Two short transactions with the bytes between them. The end is a compare-and-swap on (image,
upload): an image that was deleted meanwhile, or taken back after an interruption, is not revived,
and its bytes go.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from cumulo.core.auth.principal import Principal
from cumulo.core.blobs.streams import TooMuch, in_blocks
from cumulo.core.clock import later
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
from cumulo.image.model.image import HASH, ImageRow
from cumulo.image.model.location import STAGING
from cumulo.image.queries import image as queries
from cumulo.image.service.contents import MIB, Contents
from cumulo.image.service.images import Images
from cumulo.image.service.stores import Store

T = TypeVar("T")

GIB = 1024 * MIB
LEASE = 40.0
"""Seconds after which an upload that nobody renews is taken back."""


class Limits:
    """The largest file, and the largest disk inside one, in bytes."""

    def __init__(self, image_gib: int = 1024, disk_gib: int = 16384) -> None:
        self.file = image_gib * GIB
        self.disk = disk_gib * GIB


class Uploads:
    def __init__(
        self, database: Database, images: Images, contents: Contents, limits: Limits | None = None
    ) -> None:
        self._database = database
        self._images = images
        self._contents = contents
        self.limits = limits or Limits()
        self.live: set[str] = set()
        """Uploads that this process is at; any other one in the rows was interrupted."""
        self.activated: Callable[[Tx, ImageRow], None] = lambda tx, row: None
        """Called in the transaction that makes an image active."""

    async def receive(
        self,
        image_id: str,
        body: AsyncIterator[bytes],
        who: Principal,
        allow: Any,
        store: str | None = None,
        size: int | None = None,
    ) -> None:
        """Take the bytes of an image; `allow(tx, row)` refuses who may not, `size` is what the
        client says. Raises Faults."""
        target = self._contents.stores.named(store)

        async def take(row: ImageRow, room: int) -> None:
            await self._upload(row, target, body, room)

        def begin(tx: Tx, upload: str) -> tuple[ImageRow, int]:
            return self._begin(tx, image_id, upload, who, allow, target.name, size)

        await self._transfer(image_id, begin, take)

    async def stage(
        self,
        image_id: str,
        body: AsyncIterator[bytes],
        who: Principal,
        allow: Any,
        size: int | None = None,
    ) -> None:
        """Take bytes that wait for their import. Raises Faults."""

        async def take(row: ImageRow, room: int) -> None:
            await self._stage(row, body, room)

        def begin(tx: Tx, upload: str) -> tuple[ImageRow, int]:
            return self._begin(tx, image_id, upload, who, allow, None, size)

        await self._transfer(image_id, begin, take)

    async def _transfer(self, image_id: str, begin: Any, take: Any) -> None:
        upload = new_id()
        self.live.add(upload)
        beat = asyncio.create_task(self._renew(image_id, upload))
        try:
            row, room = await self._database.write(
                lambda tx: begin(tx, upload), name="begin upload"
            )
            try:
                await take(row, room)
            except BaseException as error:
                await self._back(image_id, upload, str(error))
                raise
        finally:
            beat.cancel()
            self.live.discard(upload)

    async def _renew(self, image_id: str, upload: str) -> None:
        """Keeps the lease, for as long as this process lives."""

        def renew(tx: Tx) -> None:
            until = later(tx.now, LEASE)
            tx.run(queries.RENEW_UPLOAD, key=image_id, upload=upload, until=until)

        while True:
            await asyncio.sleep(LEASE / 4)
            with contextlib.suppress(Exception):  # the next beat may reach the database again
                await self._database.write(renew, name="renew upload")

    def abandoned(self, tx: Tx, row: ImageRow) -> bool:
        """No process is at the upload of this image any more."""
        if row.upload_id is None or row.upload_id in self.live:
            return False
        # With SQLite there is no other process.
        return tx.engine == "sqlite" or (row.upload_until or "") <= tx.now

    def _begin(
        self,
        tx: Tx,
        image_id: str,
        upload: str,
        who: Principal,
        allow: Any,
        store: str | None,
        size: int | None,
    ) -> tuple[ImageRow, int]:
        """The row on its way, and how many bytes the quota has room for."""
        row = self._images.get(tx, image_id, who)
        allow(tx, row)
        contents = self._contents
        content, word = ("staging", "uploading") if store is None else ("saving", "saving")
        if row.content != "none" or row.import_task is not None:
            raise Conflict(f"Image status transition from {row.status} to {word} is not allowed")
        missing = [n for n in ("disk_format", "container_format") if getattr(row, n) is None]
        if missing and store is not None:
            raise BadRequest(f"Properties {', '.join(missing)} must be set prior to saving data.")
        if contents.being_removed(tx, image_id, store or STAGING):
            raise Conflict(f"Earlier data of image {image_id} are still being removed.")
        quota = "image_stage_total" if store is None else "image_size_total"
        room = contents.room(tx, row.owner, quota, self.limits.file)
        if (size is not None and size > room) or room == 0:
            raise TooLarge(f"The size of the image exceeds the quota {quota} or the limit.")
        row = contents.forget_leftovers(tx, row)
        changed = contents.move(
            tx,
            row,
            "staging" if content == "staging" else "saving",
            upload_id=upload,
            upload_until=later(tx.now, LEASE),
        )
        emit(tx, "image.stage" if store is None else "image.upload", row.id, principal=who)
        return changed, room

    async def _upload(
        self, row: ImageRow, target: Store, body: AsyncIterator[bytes], room: int
    ) -> None:
        received = await self._keep(row, target.content, body, room, check=True)

        def end(tx: Tx) -> bool:
            now = self._still(tx, row)
            if now is None:
                return False
            changed = self._contents.move(
                tx,
                now,
                "present",
                upload_id=None,
                upload_until=None,
                size=received.size,
                virtual_size=virtual_size(now, received),
                checksum=received.md5,
                hash_algo=HASH,
                hash_value=received.sha512,
            )
            self.activated(tx, self._contents.add(tx, changed, target.name, row.id))
            emit(tx, "image.activate", row.id, project_id=now.owner, size=received.size)
            return True

        await self._finish(row, target.content, end)

    async def _stage(self, row: ImageRow, body: AsyncIterator[bytes], room: int) -> None:
        staging = self._contents.stores.staging
        received = await self._keep(row, staging, body, room, check=False)

        def end(tx: Tx) -> bool:
            now = self._still(tx, row)
            if now is None:
                return False
            size = received.size
            ended = {"upload_id": None, "upload_until": None}
            self._contents.move(tx, now, "staged", staged_size=size, size=size, **ended)
            return True

        await self._finish(row, staging, end)

    def _still(self, tx: Tx, row: ImageRow) -> ImageRow | None:
        """The row, when this upload is still the one that is waited for."""
        now = tx.get(ImageRow, row.id)
        return now if now is not None and now.upload_id == row.upload_id else None

    async def _keep(
        self,
        row: ImageRow,
        content: ImageBytes,
        body: AsyncIterator[bytes],
        room: int,
        *,
        check: bool,
    ) -> Received:
        """Bytes to the store, looked at, and kept there."""
        writer = content.writer(row.id)
        try:
            received = await write_all(writer, body, room)
            problem = problem_of(row, received, self.limits) if check else None
            if problem is not None:
                raise UnsupportedMediaType(f"Image content is not accepted: {problem}")
            reach("image: before keep")
            try:
                await writer.keep()
            except OSError as error:
                raise Unavailable(f"Image storage media is not writable: {error}") from None
            reach("image: after keep")
            return received
        except BaseException:
            await writer.drop()
            raise

    async def _finish(self, row: ImageRow, content: ImageBytes, end: Any) -> None:
        try:
            done = await self._database.write(end, name="end upload")
        except Fault:
            await content.remove(row.id)
            raise
        if not done:
            await content.remove(row.id)
            raise Gone(f"Image {row.id} could not be found after upload. It may have been deleted.")

    async def _back(self, image_id: str, upload: str, reason: str) -> None:
        await self._database.write(
            lambda tx: self.take_back(tx, image_id, upload, reason), name="upload failed"
        )

    def take_back(
        self, tx: Tx, image_id: str, upload: str, reason: str, *, killed: bool = False
    ) -> None:
        """An upload did not end well: queued again, with no bytes. `killed`: its process is gone,
        so whatever it may have left in a store is removed."""
        row = tx.get(ImageRow, image_id)
        if row is None or row.content not in ("saving", "staging") or row.upload_id != upload:
            return
        self._contents.move(tx, row, "none", upload_id=None, upload_until=None)
        stores = [STAGING] if row.content == "staging" else self._contents.stores.writable()
        for name in stores if killed else ():
            self._contents.remove_later(tx, image_id, name)
        emit(tx, "image.upload_failed", image_id, project_id=row.owner, reason=reason)


async def write_all(writer: Writer, body: AsyncIterator[bytes], room: int) -> Received:
    """All of a stream, in blocks. Raises TooLarge."""
    try:
        async for block in in_blocks(body, room):
            await _stored(writer.write(block))
    except TooMuch:
        raise TooLarge("The size of the image exceeds the quota or the limit.") from None
    return await _stored(writer.finish())


async def _stored(work: Coroutine[Any, Any, T]) -> T:
    """The store's own failures are about room, or that it is away."""
    try:
        return await work
    except OSError as error:
        if error.errno is None:
            raise Unavailable(f"Image storage media is not available: {error}") from None
        raise TooLarge(f"Image storage media is full: {error}") from None


def problem_of(row: ImageRow, received: Received, limits: Limits) -> str | None:
    """Why these bytes must not become active. Only bare disks are looked into."""
    if row.container_format != "bare":
        return None
    return formats.refusal(received.found, row.disk_format, limits.disk)


def virtual_size(row: ImageRow, received: Received) -> int | None:
    return received.found.virtual_size if row.container_format == "bare" else None
