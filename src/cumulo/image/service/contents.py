"""Locations and states of images: every change of where bytes are, with its quota.

`image_size_total` counts each copy; `image_count_uploading` counts what is on its way;
`image_stage_total` what is staged. All of them change here and nowhere else.
"""

from collections.abc import Callable
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.ids import child_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.image.meters import IMAGES
from cumulo.image.model.content import Received
from cumulo.image.model.image import Content, ImageRow, status_of
from cumulo.image.model.location import STAGING, CacheRow, LocationRow, RemovalRow
from cumulo.image.queries import location as queries
from cumulo.image.service.stores import Stores

MIB = 1024 * 1024
ON_THEIR_WAY = ("saving", "staging", "staged", "importing")


def mebibytes(size: int) -> int:
    return -(-size // MIB)


class Contents:
    def __init__(self, stores: Stores, quotas: Quotas) -> None:
        self.stores = stores
        self.quotas = quotas
        self.ring: Callable[[], None] = lambda: None
        """Rung after a commit that leaves bytes to remove."""

    def locations(self, tx: Tx, image_id: str) -> list[LocationRow]:
        return tx.all(queries.OF_IMAGE, image_id=image_id)

    def being_removed(self, tx: Tx, image_id: str, name: str | None = None) -> bool:
        """Bytes of this image are still to be removed (from one store, or anywhere)."""
        rows = tx.all(queries.REMOVALS_OF, image_id=image_id)
        return any(name is None or row.store == name for row in rows)

    def move(self, tx: Tx, row: ImageRow, content: Content, **changes: Any) -> ImageRow:
        """The image in another state. Raises QuotaExceeded when too many are on their way."""
        owner = row.owner
        if owner is not None:
            was, is_ = row.content in ON_THEIR_WAY, content in ON_THEIR_WAY
            if is_ and not was:
                self.quotas.take(tx, owner, image_count_uploading=1)
            elif was and not is_:
                self.quotas.give_back(tx, owner, image_count_uploading=1)
            if "staged_size" in changes:
                self.quotas.give_back(tx, owner, image_stage_total=mebibytes(row.staged_size or 0))
                staged = mebibytes(changes["staged_size"] or 0)
                self.quotas.take(tx, owner, image_stage_total=staged)
        status = status_of(content, row.deactivated)
        saved = tx.update(row, content=content, status=status, updated_at=tx.now, **changes)
        IMAGES.changed(tx, row, saved)
        return saved

    def add(
        self,
        tx: Tx,
        row: ImageRow,
        name: str,
        key: str,
        metadata: dict[str, str] | None = None,
    ) -> ImageRow:
        """Another copy; the row has its size already. Raises QuotaExceeded."""
        added = LocationRow(child_id(row.id, name, key), row.id, name, key, metadata or {}, tx.now)
        if not tx.insert(added, ignore_duplicate=True):
            return row
        if row.owner is not None:
            self.quotas.take(tx, row.owner, image_size_total=mebibytes(row.size or 0))
        return tx.update(row, stores=sorted({*row.stores, name}), updated_at=tx.now)

    def drop(self, tx: Tx, row: ImageRow, location: LocationRow) -> ImageRow:
        """A copy less; its bytes are work for the reconciler."""
        tx.delete(location)
        if row.owner is not None:
            self.quotas.give_back(tx, row.owner, image_size_total=mebibytes(row.size or 0))
        self.remove_later(tx, row.id, location.store)
        left = {each.store for each in self.locations(tx, row.id)}
        return tx.update(row, stores=sorted(left), updated_at=tx.now)

    def set_size(self, tx: Tx, row: ImageRow, got: Received) -> ImageRow:
        """The size of an active image that had none yet."""
        copies = len(self.locations(tx, row.id))
        if row.owner is not None:
            self.quotas.take(tx, row.owner, image_size_total=mebibytes(got.size) * copies)
        bare = row.container_format == "bare"
        virtual_size = got.found.virtual_size if bare else None
        saved = tx.update(row, size=got.size, virtual_size=virtual_size, updated_at=tx.now)
        IMAGES.changed(tx, row, saved)
        return saved

    def forget_leftovers(self, tx: Tx, row: ImageRow) -> ImageRow:
        """A queued image may still show the location whose bytes were not what its user said;
        something else is to become its content now."""
        if row.content == "present" or not row.stores:
            return row
        for location in self.locations(tx, row.id):
            tx.delete(location)
        return tx.update(row, stores=[])

    def drop_all(self, tx: Tx, row: ImageRow) -> None:
        """The image goes: its copies, what is staged, its copy in the cache, its quota."""
        locations = self.locations(tx, row.id)
        for location in locations:
            self.remove_later(tx, row.id, location.store)
        if row.content in ("saving", "importing") or row.import_task is not None:
            # Whoever is at work finds the row gone and cleans up; a kill leaves it to us.
            for name in self.stores.writable():
                self.remove_later(tx, row.id, name)
        if row.content in ON_THEIR_WAY or row.import_task is not None:
            self.remove_later(tx, row.id, STAGING)
        self.uncache(tx, row.id)
        if row.owner is not None:
            self.quotas.give_back(tx, row.owner, **self.charges(tx, row))

    def charges(self, tx: Tx, row: ImageRow) -> dict[str, int]:
        """What the image uses of its owner's quota."""
        copies = len(self.locations(tx, row.id))
        return {
            "image_count_total": 1,
            "image_size_total": mebibytes(row.size or 0) * copies,
            "image_stage_total": mebibytes(row.staged_size or 0),
            "image_count_uploading": int(row.content in ON_THEIR_WAY),
        }

    def uncache(self, tx: Tx, image_id: str) -> bool:
        cached = tx.get(CacheRow, image_id)
        return cached is not None and tx.delete(cached)

    def remove_later(self, tx: Tx, image_id: str, name: str) -> None:
        tx.insert(RemovalRow(image_id, name, 0, tx.now, None), ignore_duplicate=True)
        tx.after_commit(lambda: self.ring())

    def room(self, tx: Tx, owner: str | None, resource: str, most: int) -> int:
        """Bytes that the quota has room for, `most` at the most."""
        if owner is None:
            return most
        limit = self.quotas.limit(tx, owner, resource)
        if limit < 0:
            return most
        used = self.quotas.usages(tx, owner)[resource]
        return min(most, max(0, limit - used) * MIB)
