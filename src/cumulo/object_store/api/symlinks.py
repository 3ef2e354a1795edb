"""Symbolic links: an object that stands for another one (`X-Symlink-Target: container/object`).

A link is followed when it is read, by its reader's own rights; with an ETag it is good only for
what its target was then. `?symlink=get` asks for the link itself.
"""

from collections.abc import Mapping
from urllib.parse import quote

from cumulo.core.db.transaction import Tx
from cumulo.object_store.api.asked import Asked
from cumulo.object_store.model import names
from cumulo.object_store.model.conditions import unquoted
from cumulo.object_store.model.faults import BadInput, Changed, Moved
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.objects import NewObject

TARGET, ACCOUNT, ETAG = (
    "x-symlink-target",
    "x-symlink-target-account",
    "x-symlink-target-etag",
)
KIND = "application/symlink"
MOST = 2
"""Links in a row."""


class Symlinks:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    async def note(self, asked: Asked, length: int | None, new: NewObject) -> None:
        """What a PUT says of a link, checked; nothing for other objects."""
        headers = asked.headers
        if not headers.get(TARGET):
            return
        if length != 0:
            raise BadInput("Symlink requests require a zero byte body")
        target = _place(headers, asked.place.account)
        if target == asked.place:
            raise BadInput("Symlink cannot target itself")
        found = {name: headers[name] for name in (TARGET, ACCOUNT, ETAG) if headers.get(name)}
        if ETAG in found:
            row = await self._row(asked, target)
            if row.etag != unquoted(found[ETAG]):
                raise Changed("Object Etag does not match X-Symlink-Target-Etag header")
        new.headers |= found
        new.extra["symlink"] = target.path
        if not headers.get("content-type"):
            new.content_type = KIND

    async def followed(
        self, asked: Asked, row: ObjectRow, place: names.Place
    ) -> tuple[ObjectRow, names.Place]:
        """What a link leads to, and where that is; any other object is itself. Raises Changed."""
        if asked.query.get("symlink") == "get":
            return row, place
        for _ in range(MOST):
            if TARGET not in row.headers:
                return row, place
            etag = row.headers.get(ETAG)
            place = _place(row.headers, place.account)
            row = await self._row(asked, place)
            if etag is not None and TARGET not in row.headers and row.etag != unquoted(etag):
                raise Changed("Object Etag does not match X-Symlink-Target-Etag header")
        if TARGET in row.headers:
            raise Changed("Too many levels of symbolic links, maximum allowed is 2")
        return row, place

    def refuse_post(self, tx: Tx, asked: Asked) -> None:
        """Metadata is the target's: whoever means that goes there. Raises Moved."""
        place = asked.place
        container = self._store.objects.container(tx, asked.access, place.container, "write")
        row = self._store.objects.current(tx, container, place.object)
        if row is not None and TARGET in row.headers:
            target = _place(row.headers, place.account)
            raise Moved(headers={"Location": location(asked, target)})

    async def _row(self, asked: Asked, place: names.Place) -> ObjectRow:
        access = asked.fresh(place.account)
        return await self._store.database.read(
            lambda tx: self._store.objects.seen(tx, access, place.container, place.object)
        )


def location(asked: Asked, place: names.Place) -> str:
    return quote(f"{asked.call.face.mount}/v1{place.path}")


def _place(headers: Mapping[str, str], account: str) -> names.Place:
    text = headers[TARGET].encode("latin-1").decode("utf-8", "replace")
    container, name = names.container_and_object(names.decoded(text), "X-Symlink-Target")
    return names.Place(headers.get(ACCOUNT) or account, container, name)
