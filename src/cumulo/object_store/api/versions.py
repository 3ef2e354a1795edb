"""Versions of objects on the wire: Swift's `?version-id`, and `?versions` of containers."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotAcceptable
from cumulo.core.http.operations import Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.object_store.api import texts
from cumulo.object_store.api.asked import FORMATS, Asked, empty, format_of, wish_of
from cumulo.object_store.model import timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, LengthRequired, PreconditionFailed
from cumulo.object_store.model.listing import Wish
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import NULL, PAST, list_key, version_time
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.object_versions import DELETED, Deletion
from cumulo.object_store.service.objects import EMPTY

VERSION = "version-id"
_OF_VERSIONS = set("0123456789.\0")


class VersionsApi:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    async def delete(self, asked: Asked) -> Reply:
        """An object, or one of its versions."""
        version = asked.query.get(VERSION)
        if version and version != NULL:
            return await self._delete_version(asked, version)
        place, end = asked.place, _if_delete_at(asked)

        def work(tx: Tx) -> Deletion:
            if end is not None:
                self._check_end(tx, asked, end)
            return self._store.object_versions.delete(
                tx, asked.access, place.container, place.object, marks=version is None
            )

        done = await self._store.write(work, name="object delete")
        headers = {} if done.marker is None else {"X-Object-Version-Id": done.marker}
        if done.found:
            return empty(204, headers)
        page = texts.page(404, "Not Found")
        return Reply(404, headers=headers, raw=page, content_type=texts.HTML)

    def _check_end(self, tx: Tx, asked: Asked, end: int) -> None:
        """Raises PreconditionFailed for an object that is to go at another time."""
        place = asked.place
        container = self._store.objects.container(
            tx, asked.access, place.container, "write", place.object
        )
        row = self._store.objects.current(tx, container, place.object)
        if row is not None and row.delete_at != end:
            raise PreconditionFailed("X-If-Delete-At and X-Delete-At do not match")

    async def _delete_version(self, asked: Asked, version: str) -> Reply:
        place = asked.place

        def work(tx: Tx) -> str:
            return self._store.object_versions.delete_version(
                tx, asked.access, place.container, place.object, version
            )

        current = await self._store.write(work, name="object delete")
        return empty(204, {"X-Object-Version-Id": version, "X-Object-Current-Version-Id": current})

    async def restore(self, asked: Asked) -> Reply:
        """A PUT of a version, without a body: it is the current one again."""
        version, place = str(asked.query.get(VERSION)), asked.place
        length = asked.headers.get("content-length")
        if length is None and "transfer-encoding" not in asked.headers:
            raise LengthRequired("Missing Content-Length header.")
        assert asked.call.stream is not None
        async for piece in asked.call.stream:
            if piece:
                raise BadInput("PUT version-id requests require a zero byte body")

        def work(tx: Tx) -> ObjectRow:
            return self._store.object_versions.restore(
                tx, asked.access, place.container, place.object, version
            )

        row = await self._store.write(work, name="object version put")
        headers = {
            "Etag": f'"{row.etag}"' if row.kind == "slo" else row.etag,
            "Last-Modified": timestamps.http_date(row.timestamp),
            "X-Object-Version-Id": row.version,
        }
        return empty(201, headers)

    async def index(self, asked: Asked, row: ContainerRow, headers: dict[str, str]) -> Reply:
        """All versions of a container's objects, as JSON alone."""
        wanted = asked.query.get("format")
        if wanted in ("plain", "xml"):
            raise NotAcceptable("")
        if wanted is None and asked.headers.get("accept"):
            kind = format_of(asked.call)
            if kind != "json" and "*/*" not in asked.headers["accept"]:
                raise NotAcceptable("")
        page = await self._store.listings.versions(row.id, _wish(asked))
        body = msgspec.json.encode([_entry(each) for each in page.entries])
        found = {**headers, "Content-Length": str(len(body))}
        return Reply(200, headers=found, raw=body, content_type=FORMATS["json"])


def _if_delete_at(asked: Asked) -> int | None:
    given = asked.headers.get("x-if-delete-at")
    if given is None:
        return None
    if whole_or_none(given) is None or len(given) > 12:
        raise BadInput("Bad X-If-Delete-At header value")
    return int(given)


def _wish(asked: Asked) -> Wish:
    """With its marker as a key of the list. Raises BadInput."""
    wish = wish_of(asked.call)
    if _OF_VERSIONS & set(wish.delimiter):
        raise BadInput("invalid delimiter param")
    version = asked.query.get("version_marker")
    if version is not None and asked.query.get("marker") is None:
        raise BadInput("version_marker param requires marker")
    if version is not None and not version_time(version):
        raise BadInput("invalid version_marker param")
    marker = ""
    if wish.marker:
        folder = wish.delimiter and version is None and wish.marker.endswith(wish.delimiter)
        # Behind a directory, which is one line; else behind all of an object's, or one of them.
        behind = PAST if version is None else version
        marker = wish.marker if folder else list_key(wish.marker.encode(), behind).decode()
    return Wish(
        wish.prefix, wish.delimiter, marker, "", wish.reverse, wish.limit, wish.only_objects
    )


def _entry(each: Any) -> dict[str, Any]:
    if len(each) == 1:
        return {"subdir": each[0].decode()}
    _, name, version, size, etag, kind, timestamp, sort, extra, marker, latest = each
    entry: dict[str, Any] = {
        "bytes": size,
        "hash": EMPTY if marker else etag,
        "name": name.decode(),
        "content_type": DELETED if marker else utf8(kind),
        "last_modified": timestamps.iso(timestamp),
        "version_id": version,
        "is_latest": bool(latest),
    }
    if sort == "slo":
        entry["hash"] = msgspec.json.decode(extra).get("manifest_etag", etag)
        entry["slo_etag"] = f'"{etag}"'
    return entry


def utf8(value: str) -> str:
    """A header's value as text: the bytes that came may be UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return value
