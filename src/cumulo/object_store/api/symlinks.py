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
from cumulo.object_store.model.faults import (
    BadInput,
    Changed,
    Moved,
    NoSuchContainer,
    NoSuchObject,
    StoreFault,
)
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.service import links
from cumulo.object_store.service.links import ACCOUNT, ETAG, MOST, TARGET
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.objects import EMPTY, NewObject

KIND = "application/symlink"


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
        new.headers |= found
        new.extra["symlink"] = target.path
        kind = KIND
        if ETAG in found:
            row = await self._held(asked, target, found[ETAG])
            link = links.is_link(row)
            new.extra["symlink_etag"] = unquoted(found[ETAG])
            new.extra["symlink_bytes"] = 0 if link else row.size
            if row.kind == "slo" and not link:
                new.extra["slo_etag"] = row.etag
            kind = row.content_type
        if not headers.get("content-type"):
            new.content_type = kind

    async def _held(self, asked: Asked, target: names.Place, etag: str) -> ObjectRow:
        """What a static link is of: other static links are followed, loose ones are not."""
        expected: str | None = etag
        for _ in range(MOST):
            try:
                row = await self._row(asked, target)
            except (NoSuchObject, NoSuchContainer):
                raise Changed(
                    "X-Symlink-Target does not exist",
                    headers={"Content-Location": location(asked, target)},
                ) from None
            expected = links.check(row, expected)
            if not links.is_link(row) or expected is None:
                return row
            target = links.place_of(row, target.account)
        raise Changed(f"Too many levels of symbolic links, maximum allowed is {MOST}")

    async def followed(
        self, asked: Asked, row: ObjectRow, place: names.Place
    ) -> tuple[ObjectRow, names.Place]:
        """What a link leads to, and where that is; any other object is itself. Raises Changed."""
        if asked.query.get("symlink") == "get":
            return row, place
        expected: str | None = None
        for _ in range(MOST):
            if not links.is_link(row):
                return row, place
            expected = row.headers.get(ETAG)
            place = links.place_of(row, place.account)
            try:
                row = await self._row(asked, place)
                expected = links.check(row, expected)
            except StoreFault as fault:
                raise links.fails_at(fault, location(asked, place)) from None
        if links.is_link(row):
            raise Changed(f"Too many levels of symbolic links, maximum allowed is {MOST}")
        return row, place

    def refuse_target(self, asked: Asked) -> None:
        """Of a POST."""
        if TARGET in asked.headers:
            raise BadInput("A PUT request is required to set a symlink target")

    def kept(self, tx: Tx, asked: Asked) -> dict[str, str]:
        """What a POST leaves as it is: where a link leads. Empty for any other object."""
        place = asked.place
        container = self._store.objects.container(
            tx, asked.access, place.container, "write", place.object
        )
        row = self._store.objects.current(tx, container, place.object)
        if row is None or not links.is_link(row):
            return {}
        return {name: row.headers[name] for name in (TARGET, ACCOUNT, ETAG) if name in row.headers}

    def moved(self, asked: Asked, link: Mapping[str, str]) -> Moved:
        """Metadata that was meant for the target goes there."""
        headers = {"Location": location(asked, _place(link, asked.place.account))}
        if ETAG in link:
            headers["X-Symlink-Target-Etag"] = link[ETAG]
        return Moved(
            "The requested POST was applied to a symlink. POST directly to the target to apply "
            "requested metadata.",
            headers=headers,
        )

    async def _row(self, asked: Asked, place: names.Place) -> ObjectRow:
        access = asked.fresh(place.account)
        return await self._store.database.read(
            lambda tx: self._store.objects.seen(tx, access, place.container, place.object)
        )


def listed(extra: Mapping[str, object]) -> dict[str, object]:
    """What a container's list says of a link."""
    if "symlink" not in extra:
        return {}
    found: dict[str, object] = {"symlink_path": f"/v1{extra['symlink']}"}
    if "symlink_etag" in extra:
        found["symlink_etag"] = extra["symlink_etag"]
        found["symlink_bytes"] = extra.get("symlink_bytes", 0)
        if "slo_etag" in extra:
            found |= {"slo_etag": f'"{extra["slo_etag"]}"', "hash": EMPTY}
    return found


def location(asked: Asked, place: names.Place) -> str:
    return quote(f"{asked.call.face.mount}/v1{place.path}")


def _place(headers: Mapping[str, str], account: str) -> names.Place:
    text = headers[TARGET].encode("latin-1").decode("utf-8", "replace")
    container, name = names.container_and_object(names.decoded(text), "X-Symlink-Target")
    return names.Place(headers.get(ACCOUNT) or account, container, name)
