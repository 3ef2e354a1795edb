"""Uploads: queued → saving → active, and stages: queued → uploading; or back with no bytes.

Two short transactions with the bytes between them. The end is a compare-and-swap on (image,
upload): an image that was deleted meanwhile, or taken back after an interruption, is not revived,
and its bytes go.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.blobs.streams import TooMuch, in_blocks
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
from cumulo.core.sim.points import reach
from cumulo.core.work.jobs import Failed, Jobs, Lost, Run
from cumulo.image import formats
from cumulo.image.model.content import ImageBytes, Received, Writer
from cumulo.image.model.image import HASH, ImageRow
from cumulo.image.model.location import STAGING
from cumulo.image.service.contents import MIB, Contents
from cumulo.image.service.images import Images
from cumulo.image.service.stores import Store

T = TypeVar("T")

GIB = 1024 * MIB
UPLOAD = "image.upload"


class Upload(msgspec.Struct, frozen=True):
    """The memo of an upload's job: the request has all that it needs."""


class Limits:
    """The largest file, and the largest disk inside one, in bytes."""

    def __init__(self, image_gib: int = 1024, disk_gib: int = 16384) -> None:
        self.file = image_gib * GIB
        self.disk = disk_gib * GIB


class Uploads:
    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        images: Images,
        contents: Contents,
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._images = images
        self._contents = contents
        self.limits = limits or Limits()
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

        async def take(run: Run[Upload], row: ImageRow, room: int) -> None:
            await self._upload(run, row, target, body, room)

        def begin(tx: Tx) -> Begun:
            return self._begin(tx, image_id, who, allow, target.name, size)

        await self._transfer(begin, take)

    async def of_job(
        self, run: Run[Any], image_id: str, body: Callable[[], AsyncIterator[bytes]], who: Principal
    ) -> None:
        known = await run.read(lambda tx: self._images.find(tx, [image_id]).get(image_id))
        if known is None:
            raise Failed(f"Image {image_id} was deleted meanwhile.")
        if known.status == "active":
            return
        await run.hold()
        try:
            await self.receive(image_id, body(), who, lambda tx, row: None)
        except Conflict as reason:
            raise OSError(reason.message) from reason

    async def stage(
        self,
        image_id: str,
        body: AsyncIterator[bytes],
        who: Principal,
        allow: Any,
        size: int | None = None,
    ) -> None:
        """Take bytes that wait for their import. Raises Faults."""

        async def take(run: Run[Upload], row: ImageRow, room: int) -> None:
            await self._stage(run, row, body, room)

        def begin(tx: Tx) -> Begun:
            return self._begin(tx, image_id, who, allow, None, size)

        await self._transfer(begin, take)

    async def _transfer(
        self,
        begin: Callable[[Tx], "Begun"],
        take: Callable[[Run[Upload], ImageRow, int], Awaitable[None]],
    ) -> None:
        """The job of the upload is this request's: it lives as long as its process."""
        run, row, room = await self._database.write(begin, name="begin upload")
        try:
            await take(run, row, room)
        except BaseException as error:
            reason = str(error)
            await self._database.write(
                lambda tx: self.take_back(tx, row.id, run.id, reason), name="upload failed"
            )
            raise
        finally:
            self._jobs.let_go(run)

    def _begin(
        self,
        tx: Tx,
        image_id: str,
        who: Principal,
        allow: Any,
        store: str | None,
        size: int | None,
    ) -> "Begun":
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
        run = self._jobs.hold(tx, UPLOAD, row.id, Upload(), project_id=row.owner)
        changed = contents.move(
            tx, row, "staging" if content == "staging" else "saving", upload_id=run.id
        )
        emit(tx, "image.stage" if store is None else "image.upload", row.id, principal=who)
        return run, changed, room

    async def _upload(
        self,
        run: Run[Upload],
        row: ImageRow,
        target: Store,
        body: AsyncIterator[bytes],
        room: int,
    ) -> None:
        received = await self._keep(run, row, target.content, body, room, check=True)

        def end(tx: Tx) -> bool:
            now = self._end(tx, run, row)
            if now is None:
                return False
            changed = self._contents.move(
                tx,
                now,
                "present",
                upload_id=None,
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

    async def _stage(
        self, run: Run[Upload], row: ImageRow, body: AsyncIterator[bytes], room: int
    ) -> None:
        staging = self._contents.stores.staging
        received = await self._keep(run, row, staging, body, room, check=False)

        def end(tx: Tx) -> bool:
            now = self._end(tx, run, row)
            if now is None:
                return False
            size = received.size
            self._contents.move(tx, now, "staged", staged_size=size, size=size, upload_id=None)
            return True

        await self._finish(row, staging, end)

    def _end(self, tx: Tx, run: Run[Upload], row: ImageRow) -> ImageRow | None:
        """The row, when this upload is still the one that is waited for: it has ended."""
        now = tx.get(ImageRow, row.id)
        if now is None or now.upload_id != run.id:
            return None
        try:
            self._jobs.release(tx, run)
        except Lost:
            return None
        return now

    async def _keep(
        self,
        run: Run[Upload],
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
            received = await write_all(writer, _ours(run, body), room)
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
        except Lost:
            await writer.drop()
            raise _gone(row) from None
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
            raise _gone(row)

    def interrupted(self, tx: Tx, image_id: str, upload: str) -> None:
        """The process that was at it is gone, and its job with it."""
        self.take_back(tx, image_id, upload, "the upload was interrupted", killed=True)

    def abandoned(self, tx: Tx, row: ImageRow) -> bool:
        """No process is at the upload of this image any more."""
        return row.upload_id is not None and self._jobs.abandoned(tx, row.upload_id)

    def take_back(
        self, tx: Tx, image_id: str, upload: str, reason: str, *, killed: bool = False
    ) -> None:
        """An upload did not end well: queued again, with no bytes. `killed`: its process is gone,
        so whatever it may have left in a store is removed."""
        self._jobs.drop(tx, upload)
        row = tx.get(ImageRow, image_id)
        if row is None or row.content not in ("saving", "staging") or row.upload_id != upload:
            return
        self._contents.move(tx, row, "none", upload_id=None)
        stores = [STAGING] if row.content == "staging" else self._contents.stores.writable()
        for name in stores if killed else ():
            self._contents.remove_later(tx, image_id, name)
        emit(tx, "image.upload_failed", image_id, project_id=row.owner, reason=reason)


Begun = tuple[Run[Upload], ImageRow, int]


async def _ours(run: Run[Upload], body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream, for as long as the upload is ours. Raises Lost."""
    async for piece in body:
        run.check()
        yield piece


def _gone(row: ImageRow) -> Gone:
    return Gone(f"Image {row.id} could not be found after upload. It may have been deleted.")


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
