"""What makes the stores equal to the rows: removals, and the cache of what is far away."""

import logging
from collections.abc import Callable

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.work.reconciler import backoff
from cumulo.image.model.content import ImageBytes
from cumulo.image.model.image import ImageRow
from cumulo.image.model.location import STAGING, CacheRow, RemovalRow
from cumulo.image.queries import location as queries
from cumulo.image.service.image import ImageService

START = "start"
"""The id of the work that is done once, when the process starts."""

log = logging.getLogger("cumulo.image")


class ImageRemovals:
    """Removes bytes that no image has any more; at its start also what no row knows of."""

    name = "image removals"

    def __init__(
        self,
        database: Database,
        images: ImageService,
        *,
        keep: Callable[[], bool] = lambda: False,
    ) -> None:
        """`keep`: an older copy of the database may lack the images of what no row knows."""
        self._database = database
        self._images = images
        self._keep = keep
        self._started = False

    def due(self, tx: Tx, most: int) -> list[str]:
        if not self._started:
            return [START]
        rows = tx.all(queries.REMOVALS, now=tx.now, most=most)
        return [f"{row.image_id}/{row.store}" for row in rows]

    async def step(self, id: str) -> None:
        if id == START:
            await self._start()
            return
        image_id, _, name = id.partition("/")
        if name == STAGING:
            await self._remove_staged(image_id)
        else:
            content = self._images.stores.removable(name)
            if content is not None:
                await content.remove(image_id)
        await self._database.write(lambda tx: _gone(tx, id), name="image removed")

    async def _remove_staged(self, image_id: str) -> None:
        """The staged file of an image, and what an import has made of it."""
        staging = self._images.stores.staging
        for key in await staging.keys():
            if key.startswith(image_id):
                await staging.remove(key)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = _removal(tx, id)
        if row is not None:
            attempts = row.attempts + 1
            due = later(tx.now, backoff(attempts))
            tx.update(row, attempts=attempts, due=due, reason=reason)

    async def _start(self) -> None:
        """A kill between the renaming of bytes and the commit leaves bytes that no row knows.
        Only this machine's folders are ours alone; other stores are never swept."""
        stores = self._images.stores
        for each in stores.all():
            if each.local and not each.read_only:
                await self._sweep(each.content, each.name)
        await self._sweep(stores.staging, STAGING)
        if stores.cache is not None:
            await self._sweep(stores.cache, "")
        self._started = True

    async def _sweep(self, content: ImageBytes, name: str) -> None:
        await content.forget_unfinished()
        if self._keep():
            return
        found = list(await content.keys())
        for key in await self._database.read(lambda tx: _unknown(tx, name, found)):
            await content.remove(key)


def _removal(tx: Tx, id: str) -> RemovalRow | None:
    image_id, _, name = id.partition("/")
    return tx.get(RemovalRow, image_id, name)


def _gone(tx: Tx, id: str) -> None:
    row = _removal(tx, id)
    if row is not None:
        tx.delete(row)


def _unknown(tx: Tx, name: str, found: list[str]) -> list[str]:
    """Keys that no image stands behind. `name`: a store, the staging folder, or "" for the
    cache."""
    if not found:
        return []
    if name == STAGING:
        return [key for key in found if not _imports(tx.get(ImageRow, key[:36]))]
    if not name:
        cached = {row.image_id for row in tx.all(queries.CACHE) if row.cached}
        return [key for key in found if key not in cached]
    known = {key for (key,) in tx.tuples(queries.KNOWN, store=name, keys=found)}
    return [key for key in found if key not in known and not _imports(tx.get(ImageRow, key))]


def _imports(row: ImageRow | None) -> bool:
    """Somebody is, or will be, at work on its bytes."""
    at_work = ("saving", "staging", "staged")
    return row is not None and (row.content in at_work or row.import_task is not None)


_TIDY = ""
"""No image: files that went from the cache are to be removed."""


class CacheFill:
    """Copies queued images to the cache, checked by their hash, and keeps it within its bound."""

    name = "image cache"

    def __init__(self, database: Database, images: ImageService) -> None:
        self._database = database
        self._cache = images.cache

    def due(self, tx: Tx, most: int) -> list[str]:
        if self._cache.content is None:
            return []
        wanted = [row.image_id for row in tx.all(queries.CACHE_DUE, now=tx.now, most=most)]
        return [_TIDY, *wanted][:most] if self._cache.untidy else wanted

    async def step(self, id: str) -> None:
        await (self._cache.tidy() if id == _TIDY else self._cache.fill(id))

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        if id == _TIDY:
            log.warning("the image cache could not be tidied: %s", reason)
            return  # until something goes from it again
        row = tx.get(CacheRow, id)
        if row is not None and not row.cached:
            attempts = row.attempts + 1
            due = later(tx.now, backoff(attempts))
            tx.update(row, attempts=attempts, due=due, reason=reason)
