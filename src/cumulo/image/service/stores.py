"""Stores: where bytes can be, and the choice of the one to read from."""

import contextlib
from collections.abc import Callable, Sequence

import msgspec

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.streams import Reader
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Conflict, NotFound
from cumulo.image.model.content import ImageBytes
from cumulo.image.model.image import HASH, ImageRow
from cumulo.image.model.location import CacheRow, LocationRow
from cumulo.image.queries import location as queries


class Store(msgspec.Struct, frozen=True):
    name: str
    content: ImageBytes
    description: str = ""
    weight: int = 0

    @property
    def read_only(self) -> bool:
        return self.content.capabilities.read_only

    @property
    def local(self) -> bool:
        return self.content.capabilities.local_files


class Stores:
    """`staging` is where imports wait, `cache` where copies of remote images are (None: nowhere).
    Both are folders of this machine."""

    def __init__(
        self,
        stores: Sequence[Store],
        default: str,
        *,
        staging: ImageBytes,
        cache: ImageBytes | None = None,
    ) -> None:
        self._stores = {each.name: each for each in stores}
        self.default = self._stores[default]
        self.staging = staging
        self.cache = cache

    def all(self) -> list[Store]:
        return list(self._stores.values())

    def writable(self) -> list[str]:
        return sorted(each.name for each in self.all() if not each.read_only)

    def web(self) -> Store | None:
        """The store of images at other people's web servers."""
        found = [each for each in self.all() if each.content.capabilities.scheme == "http"]
        return found[0] if found else None

    def find(self, name: str) -> Store | None:
        return self._stores.get(name)

    def named(self, name: str | None) -> Store:
        """A store that images can be written to; None: the default one."""
        found = self.default if name is None else self._stores.get(name)
        if found is None or found.read_only:
            raise Conflict(f"Store for image_id not found: {name}")
        return found

    def removable(self, name: str) -> ImageBytes | None:
        """Whose `remove` a removal asks; None for a store that is no more."""
        found = self._stores.get(name)
        return None if found is None else found.content

    def here(self, locations: Sequence[LocationRow]) -> bool:
        """One of them is a file of this machine."""
        found = (self._stores.get(location.store) for location in locations)
        return any(each is not None and each.local for each in found)

    def in_order(self, locations: Sequence[LocationRow]) -> list[tuple[Store, LocationRow]]:
        """The best to read from first: this machine's files, then by weight, then by age."""
        known = [(self._stores[row.store], row) for row in locations if row.store in self._stores]
        return sorted(known, key=lambda pair: (not pair[0].local, -pair[0].weight))


class Reading:
    """Opens the bytes of an image, wherever they are. Implements `core.blobs.content.Contents`."""

    def __init__(self, database: Database, stores: Stores) -> None:
        self._database = database
        self._stores = stores
        self.missed: Callable[[ImageRow], None] = lambda row: None
        """Called with an image that had to be read from a remote store."""
        self.hit: Callable[[str], None] = lambda image_id: None
        """Called with an image that was read from the cache."""

    async def open(self, content: Content) -> Reader:
        """For hosts, whose tools will open it: only what was looked into, and cannot have changed
        since. What other people's servers keep comes from the cache, which looks."""
        row = await self._database.read(lambda tx: tx.get(ImageRow, content.id))
        if row is None:
            raise Missing(f"there is no image {content.id}")
        if row.content != "present":
            raise OSError(f"it is {row.status}")
        locations, cached = await self._database.read(lambda tx: _places(tx, row.id))
        others = any(store.read_only for store, _ in self._stores.in_order(locations))
        safe = row.hash_algo == HASH and not others
        if not cached and not self._stores.here(locations) and not safe:
            self.missed(row)
            raise OSError("it is being copied from a remote store")
        try:
            return await self.reader(row)
        except NotFound as error:
            # All stores have answered, and none has it: whoever waits would wait for ever.
            raise Missing(error.message) from None

    async def reader(self, row: ImageRow) -> Reader:
        """Raises NotFound when no store has them, OSError when none answers."""
        locations, cached = await self._database.read(lambda tx: _places(tx, row.id))
        error: Exception | None = None
        order = self._stores.in_order(locations)
        for store_, location in order:
            if cached and not store_.local and self._stores.cache is not None:
                with contextlib.suppress(KeyError, OSError):
                    found = await self._stores.cache.reader(row.id)
                    self.hit(row.id)
                    return found
            try:
                found = await store_.content.reader(location.key)
            except (KeyError, OSError) as failed:
                error = failed
                continue
            if not store_.local:
                self.missed(row)
            return found
        if isinstance(error, OSError):
            raise error
        raise NotFound(f"No image data could be found for image {row.id}")


def _places(tx: Tx, image_id: str) -> tuple[list[LocationRow], bool]:
    cached = tx.get(CacheRow, image_id)
    return tx.all(queries.OF_IMAGE, image_id=image_id), cached is not None and cached.cached
