"""Lists of versions of S3: all that a bucket's names ever meant."""

import asyncio
from collections.abc import Callable
from functools import partial

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3.asked import Asked, number
from cumulo.object_store.api.s3.documents import document, element, text
from cumulo.object_store.api.s3.lists import Read, encoder, owner, storable
from cumulo.object_store.model import timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput
from cumulo.object_store.model.listing import END
from cumulo.object_store.model.version import NULL, version_time
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.versions import Version

AT_ONCE = 500
Marker = tuple[bytes, str]
"""A name, and a time: of this name the older ones follow, then other names."""


class VersionsApi:
    def __init__(self, store: ObjectStoreService, read: Read) -> None:
        self._store = store
        self._read = read

    async def index(self, call: Call) -> Reply:
        asked = self._read(call)
        query = call.query
        encode = encoder(query.get("encoding-type"))
        most = number(query.get("max-keys"), 1000, 0, 1000, "max-keys")
        prefix, delimiter = query.get("prefix") or "", query.get("delimiter") or ""
        key, version = query.get("key-marker") or "", query.get("version-id-marker") or ""
        if version and not key:
            raise BadInput(
                "A version-id marker cannot be specified without a key marker.",
                kind="InvalidArgument",
            )
        row, marker = await self._store.database.read(
            lambda tx: self._begin(tx, asked, storable(key), version)
        )
        lines, last, more = await self._lines(row, storable(prefix), delimiter, marker, most)
        head = [
            text("Name", asked.bucket),
            text("Prefix", encode(prefix)),
            text("KeyMarker", encode(key)),
            text("VersionIdMarker", version),
            element("MaxKeys", most),
            element("IsTruncated", "true" if more else "false"),
        ]
        if delimiter:
            head.append(text("Delimiter", encode(delimiter)))
        if query.get("encoding-type") == "url":
            head.append(element("EncodingType", "url"))
        if more and isinstance(last, Version):
            head.append(text("NextKeyMarker", encode(last.row.text)))
            head.append(text("NextVersionIdMarker", last.row.version))
        elif more and isinstance(last, str):
            head.append(text("NextKeyMarker", encode(last)))
        shown = [_line(each, asked, encode) for each in lines]
        return document("ListVersionsResult", *head, *shown)

    def _begin(self, tx: Tx, asked: Asked, key: str, version: str) -> tuple[ContainerRow, Marker]:
        row = self._store.containers.seen(tx, asked.access, asked.bucket)
        name, before = key.encode(), ""
        if version:
            current = self._store.objects.current(tx, row, key)
            older = self._store.versions.find(tx, row, name, version)
            if current is not None and current.version == version:
                before = current.timestamp
            elif older is not None:
                before = older.timestamp
            else:
                # It was deleted since. A version's name is its time; behind `null` nobody knows
                # what came, and whoever deletes what is listed wants the rest from its beginning.
                before = "~" if version == NULL or not version_time(version) else version
        return row, (name, before)

    async def _lines(
        self, row: ContainerRow, prefix: str, delimiter: str, marker: Marker, most: int
    ) -> tuple[list[Version | str], Version | str | None, bool]:
        """(versions and folders, the last one, whether there is more)"""
        lines: list[Version | str] = []
        if most == 0:
            return [], None, False
        while True:
            page = await self._store.database.read(
                partial(
                    self._store.versions.page,
                    container=row,
                    prefix=prefix,
                    marker=marker,
                    most=AT_ONCE,
                )
            )
            await asyncio.sleep(0)
            folder: str | None = None
            for each in page:
                name = each.row.text
                if folder is not None and name.startswith(folder):
                    continue
                at = name.find(delimiter, len(prefix)) if delimiter else -1
                folder = name[: at + len(delimiter)] if at >= 0 else None
                skipped = folder is not None and folder.encode() == marker[0]
                if not skipped:
                    if len(lines) == most:
                        return lines, lines[-1], True
                    lines.append(each if folder is None else folder)
                marker = (each.row.name, each.row.timestamp)
            if len(page) < AT_ONCE:
                return lines, lines[-1] if lines else None, False
            if folder is not None:
                marker = (folder.encode() + END, "")


def _line(line: Version | str, asked: Asked, encode: Callable[[str], str]) -> str:
    if isinstance(line, str):
        return element("CommonPrefixes", text("Prefix", encode(line)))
    row = line.row
    found = [
        text("Key", encode(row.text)),
        text("VersionId", row.version),
        element("IsLatest", "true" if line.newest else "false"),
        element("LastModified", timestamps.s3_iso(row.timestamp)),
    ]
    if line.is_marker:
        return element("DeleteMarker", *found, owner(asked))
    found += [
        text("ETag", f'"{row.etag}"'),
        element("Size", row.size),
        element("StorageClass", "STANDARD"),
    ]
    return element("Version", *found, owner(asked))
