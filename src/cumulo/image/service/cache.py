"""The cache: copies, on this machine's disk, of images that are in remote stores.

Hosts get them from here, and downloads are served from them. An image that becomes
active in remote stores only is queued at once, and so is one that was read from afar.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from cumulo.core.blobs.streams import copy
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest
from cumulo.image import formats
from cumulo.image.model.content import Received
from cumulo.image.model.image import ImageRow
from cumulo.image.model.location import CacheRow
from cumulo.image.queries import location as queries
from cumulo.image.service.contents import Contents
from cumulo.image.service.stores import Reading


class Cache:
    """`most_bytes`: what is used least recently goes when there is more."""

    def __init__(
        self, database: Database, contents: Contents, reading: Reading, most_bytes: int
    ) -> None:
        self._database = database
        self._contents = contents
        self._reading = reading
        self.content = contents.stores.cache
        self.most_bytes = most_bytes
        self.ring: Callable[[], None] = lambda: None
        """Rung after a commit that queues an image."""
        self.untidy = True
        """There may be files that no row knows: of another life, or because rows went since."""
        self.dropped = Announcement("image_cache", self._dropped)
        self._tasks: set[asyncio.Task[None]] = set()
        reading.missed = self.missed
        reading.hit = self.hit

    def state(self, tx: Tx) -> tuple[list[CacheRow], list[str]]:
        """(what is cached, the ids of what is queued)"""
        rows = tx.all(queries.CACHE)
        return [row for row in rows if row.cached], [row.image_id for row in rows if not row.cached]

    def queue(self, tx: Tx, row: ImageRow) -> None:
        if row.content != "present":
            raise BadRequest("Only images with status active can be targeted for queueing")
        now = tx.now
        wish = CacheRow(row.id, False, 0, 0, now, None, now, 0, now, None)
        if tx.insert(wish, ignore_duplicate=True):
            tx.after_commit(lambda: self.ring())

    def delete(self, tx: Tx, image_id: str) -> bool:
        """False when it is neither there nor queued."""
        if not self._contents.uncache(tx, image_id):
            return False
        tx.after_commit(self.dropped)
        return True

    def clear(self, tx: Tx, target: str) -> None:
        if target not in ("", "cache", "queue"):
            raise BadRequest(
                "If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty string."
            )
        for row in tx.all(queries.CACHE):
            if target in ("", "cache" if row.cached else "queue"):
                tx.delete(row)
        tx.after_commit(self.dropped)

    def wanted(self, tx: Tx, row: ImageRow) -> None:
        """An image became active: hosts need a file of it."""
        if self.content is not None and not self._contents.stores.here(
            self._contents.locations(tx, row.id)
        ):
            self.queue(tx, row)

    def missed(self, row: ImageRow) -> None:
        if self.content is not None:
            self._later(self._queue(row.id))

    def hit(self, image_id: str) -> None:
        self._later(self._count(image_id))

    async def _queue(self, image_id: str) -> None:
        def queue(tx: Tx) -> None:
            row = tx.get(ImageRow, image_id)
            if row is not None and row.content == "present":
                self.queue(tx, row)

        await self._database.write(queue, name="queue for the cache")

    async def _count(self, image_id: str) -> None:
        await self._database.write(
            lambda tx: tx.run(queries.CACHE_HIT, image_id=image_id, now=tx.now), name="cache hit"
        )

    def _dropped(self) -> None:
        # The files are on one control node, perhaps another one than where the row went.
        self.untidy = True
        self.ring()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def fill(self, image_id: str) -> None:
        """Copy one queued image. Raises OSError."""
        assert self.content is not None
        row = await self._database.read(lambda tx: tx.get(ImageRow, image_id))
        if row is None or row.content != "present":
            await self._database.write(
                lambda tx: self._contents.uncache(tx, image_id), name="not to be cached"
            )
            return
        if (row.size or 0) > self.most_bytes:
            raise OSError(f"the image has {row.size} bytes, the cache {self.most_bytes}")
        writer = self.content.writer(image_id)
        try:
            reader = await self._reading.reader(row)
            most = self.most_bytes if row.size is None else row.size
            received = await copy(reader, writer, lambda at: None, most)
            same = received.size == row.size or row.size is None
            checked = row.hash_algo == "sha512" and row.hash_value is not None
            if not same or (checked and received.sha512 != row.hash_value):
                raise OSError("the bytes in the store are not those of the image")
            if row.container_format == "bare":
                # A location may have been believed without a look; hosts will open this file.
                problem = formats.refusal(received.found, row.disk_format)
                if problem is not None:
                    raise OSError(f"the image is not accepted: {problem}")
            await writer.keep()
        finally:
            await writer.drop()
        await self._database.write(lambda tx: self._filled(tx, image_id, received), name="cached")
        await self.prune()

    def _filled(self, tx: Tx, image_id: str, received: Received) -> None:
        found, row = tx.get(CacheRow, image_id), tx.get(ImageRow, image_id)
        if found is None or row is None:
            return
        tx.update(found, cached=True, size=received.size, cached_at=tx.now, used_at=tx.now)
        if row.size is None and row.content == "present":
            # A location that was believed: only now its size is known, and counts.
            self._contents.set_size(tx, row, received)

    async def prune(self) -> tuple[int, int]:
        """Remove what was used least recently until the rest is within the bound: (files,
        bytes)."""

        def choose(tx: Tx) -> tuple[int, int]:
            rows = tx.all(queries.CACHE_OLDEST)
            total, count, gone = sum(row.size for row in rows), 0, 0
            for row in rows:
                if total - gone <= self.most_bytes:
                    break
                tx.delete(row)
                count, gone = count + 1, gone + row.size
            return count, gone

        pruned = await self._database.write(choose, name="prune the cache")
        await self.tidy()
        return pruned

    async def tidy(self) -> None:
        """Remove files that no row knows (a copy at work has another name)."""
        self.untidy = False
        if self.content is None:
            return
        # In this order: what is copied meanwhile is queued when the rows are read.
        found = await self.content.keys()
        cached, queued = await self._database.read(self.state)
        known = {row.image_id for row in cached} | set(queued)
        for key in found:
            if key not in known:
                await self.content.remove(key)
