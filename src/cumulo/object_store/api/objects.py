"""Objects on the wire, looked at: Swift v1 GET and HEAD."""

import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.object_store.api.asked import FORMATS, Asked, empty
from cumulo.object_store.api.sending import send, send_part
from cumulo.object_store.api.signed_urls import finished
from cumulo.object_store.api.symlinks import Symlinks, location
from cumulo.object_store.model import manifest, timestamps
from cumulo.object_store.model.faults import BadInput, Missing, NoSuchObject, WasDeleted
from cumulo.object_store.model.headers import header_name
from cumulo.object_store.model.names import Place
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import NULL, state_of
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.contents import Content
from cumulo.object_store.service.multipart import PartOf, slo_part
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.object_versions import DELETED

Visit = Callable[[Asked], Awaitable[Reply | None]]

PATH = "/v1/{account}/{container}/{object:raw}"
MANIFEST = "multipart-manifest"
VERSION = "version-id"
FOLDER = "application/directory"


async def _nothing(asked: Asked) -> Reply | None:
    return None


class ObjectsApi:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store
        self._symlinks = Symlinks(store)
        self.visit: Visit = _nothing
        """What a visitor of a web site is answered, where there is no object."""

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", PATH, self.get, kind="stream"),
            Operation("HEAD", PATH, self.get, kind="stream"),
        ]

    async def get(self, call: Call) -> Reply:
        asked = Asked(call)
        try:
            reply = await self._get(asked)
        except WasDeleted as marker:
            headers = {**marker.headers, "Content-Length": "0"}
            return Reply(404, headers=headers, raw=b"", content_type=DELETED)
        except NoSuchObject:
            # A folder of a web site is no object, and has an answer for visitors.
            visited = await self.visit(asked)
            if visited is None:
                raise
            return visited
        except Missing:
            # It may have been replaced between the look at its row and the look at its file.
            reply = await self._get(asked)
        return finished(call, reply)

    async def _get(self, asked: Asked) -> Reply:
        call, access = asked.call, asked.access
        place = asked.place
        row, state = await self.looked_up(access, place, version_of(asked))
        if row.content_type == FOLDER and row.size <= 1:
            # Where there is a web site, such an object is a folder of it.
            visited = await self.visit(asked)
            if visited is not None:
                return visited
        row, target = await self._symlinks.followed(asked, row, place)
        manifest_asked = call.query.get(MANIFEST) == "get"
        if manifest_asked and row.kind == "slo":
            return await self._manifest(asked, row)
        content = await self._store.contents.of(row, access, as_it_is=manifest_asked)
        headers = headers_of(content)
        if target != place:
            headers["Content-Location"] = location(asked, target)
            if state:
                headers["X-Object-Version-Id"] = row.version
        elif state:
            headers["X-Object-Version-Id"] = row.version
            if row.version != NULL:
                where = f"{location(asked, place)}?{VERSION}={row.version}"
                headers["Content-Location"] = where
        part = None if manifest_asked else await self.part_of(asked, content)
        if part is not None:
            return await send_part(
                self._store, call, content, access, headers, part, content_type=row.content_type
            )
        return await send(
            self._store,
            call,
            content,
            access,
            headers,
            content_type=row.content_type,
            etag=content.etag,
        )

    async def part_of(self, asked: Asked, content: Content) -> PartOf | None:
        """Where the part is that `part-number` names; of objects without parts it is ignored.
        Raises BadInput, NoRange."""
        given = asked.query.get("part-number")
        if given is None or content.row.kind not in ("slo", "parts"):
            return None
        number = whole_or_none(given)
        if number is None or number < 1:
            raise BadInput("Part number must be an integer greater than 0")
        if "range" in asked.headers:
            raise BadInput("Range requests are not supported with part number queries")
        if content.row.kind == "slo":
            return slo_part(content.segments or (), number)
        return await self._store.database.read(
            lambda tx: self._store.multipart.part_or_none(tx, content.row, number)
        )

    async def looked_up(
        self, access: Access, place: Place, version: str | None = None
    ) -> tuple[ObjectRow, str]:
        """(the object, how its container keeps versions). Raises NoSuchObject."""

        def look(tx: Tx) -> tuple[ObjectRow, str]:
            where = (place.container, place.object)
            if version is None:
                row = self._store.objects.seen(tx, access, *where)
            else:
                row = self._store.object_versions.seen(tx, access, *where, version)
            return row, state_of(self._store.containers.get(tx, access.account, where[0]))

        return await self._store.database.read(look)

    async def _manifest(self, asked: Asked, row: ObjectRow) -> Reply:
        segments = await self._store.contents.segments(row)
        raw_asked = asked.query.get("format") == "raw"
        body = msgspec.json.encode(
            manifest.raw(segments) if raw_asked else manifest.shown(segments)
        )
        headers = common(row)
        headers |= {
            "Etag": _md5(body),
            "X-Manifest-Etag": str(row.extra.get("manifest_etag", "")),
            "X-Static-Large-Object": "True",
            "Content-Length": str(len(body)),
        }
        kind = row.content_type if raw_asked else FORMATS["json"]
        return Reply(200, headers=headers, raw=body, content_type=kind)


def version_of(asked: Asked) -> str | None:
    """The version that is asked for: a signed URL is about the current one."""
    return None if asked.access.signed is not None else asked.query.get(VERSION) or None


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def common(row: ObjectRow) -> dict[str, str]:
    """What every answer about an object says of it."""
    found = {header_name(name): value for name, value in row.headers.items()}
    found["Last-Modified"] = timestamps.http_date(row.timestamp)
    found["X-Timestamp"] = row.timestamp
    found["Accept-Ranges"] = "bytes"
    if row.delete_at is not None:
        found["X-Delete-At"] = str(row.delete_at)
    return found


def headers_of(content: Content) -> dict[str, str]:
    row = content.row
    found = common(row)
    found["Etag"] = f'"{content.etag}"' if content.is_large else content.etag
    if row.kind == "slo":
        found["X-Static-Large-Object"] = "True"
        found["X-Manifest-Etag"] = str(row.extra.get("manifest_etag", ""))
    return found


def created(row: ObjectRow) -> Reply:
    etag = f'"{row.etag}"' if row.kind == "slo" else row.etag
    headers = {"Etag": etag, "Last-Modified": timestamps.http_date(row.timestamp)}
    if row.version != NULL:
        headers["X-Object-Version-Id"] = row.version
    return empty(201, headers)


def content_type_of(headers: Any, name: str, *, guess: bool) -> str:
    """What a client says an object is; else what its name says."""
    given = headers.get("content-type")
    if given and not guess:
        return str(given)
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
