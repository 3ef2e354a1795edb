"""What an object's bytes are: a blob, the parts of an assembly, or segments named by a manifest.

Segments are looked up when their turn comes: a large object of large objects is never unfolded in
memory, and whoever removes a segment breaks the answer there, not before.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote_to_bytes

from cumulo.core.db.transaction import Database, Tx
from cumulo.object_store.model import limits, manifest
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import Changed, NoSuchContainer, NoSuchObject, StoreFault
from cumulo.object_store.model.listing import END, Wanted, behind
from cumulo.object_store.model.manifest import Segment
from cumulo.object_store.model.object import ObjectRow, PartRow
from cumulo.object_store.queries import object as queries
from cumulo.object_store.service import links
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.bytes import Bytes, Piece
from cumulo.object_store.service.containers import Containers
from cumulo.object_store.service.listings import objects_of
from cumulo.object_store.service.objects import Objects

MANIFEST = "x-object-manifest"
PAGE = 1000
MOST_DYNAMIC = 50 * PAGE
"""Segments of a dynamic large object; more are not served."""


@dataclass(slots=True)
class Content:
    """An object as a reader sees it. `segments`: of a large one."""

    row: ObjectRow
    size: int
    etag: str
    segments: Sequence[Segment] | None = None

    @property
    def is_large(self) -> bool:
        return self.segments is not None

    @property
    def is_dynamic(self) -> bool:
        return self.segments is not None and self.row.kind == "plain"


class Contents:
    def __init__(
        self, database: Database, containers: Containers, objects: Objects, bytes_: Bytes
    ) -> None:
        self._database = database
        self._containers = containers
        self._objects = objects
        self._bytes = bytes_

    async def of(self, row: ObjectRow, access: Access, *, as_it_is: bool = False) -> Content:
        """`as_it_is`: a manifest is what is asked for, not what it stands for."""
        if row.kind == "slo" and not as_it_is:
            return Content(row, row.size, row.etag, await self.segments(row))
        if MANIFEST in row.headers and row.kind == "plain" and not as_it_is:
            return await self._dynamic(row, access)
        return Content(row, row.size, row.etag)

    async def segments(self, row: ObjectRow) -> list[Segment]:
        """Of a static large object's manifest."""
        return manifest.load(await self._bytes.whole(row.blob, 4 * limits.MAX_MANIFEST_SIZE))

    async def pieces(
        self, content: Content, access: Access, start: int, end: int
    ) -> AsyncIterator[Piece]:
        """Bytes `start` to `end`. Raises Changed when a segment is not what it was."""
        if content.segments is None:
            async for piece in self._of_row(content.row, access, start, end, 0):
                yield piece
        else:
            async for piece in self._of_segments(content.segments, access, start, end, 0):
                yield piece

    async def _of_row(
        self, row: ObjectRow, access: Access, start: int, end: int, depth: int
    ) -> AsyncIterator[Piece]:
        if row.kind == "parts":
            async for piece in self._of_parts(row.assembly or "", start, end):
                yield piece
        elif row.kind == "slo":
            if depth >= limits.MAX_NESTING:
                raise Changed("Max recursion depth exceeded")
            segments = await self.segments(row)
            async for piece in self._of_segments(segments, access, start, end, depth + 1):
                yield piece
        elif row.blob is not None and start < end:
            yield Piece(row.blob, start, end - start)

    async def _of_parts(self, assembly: str, start: int, end: int) -> AsyncIterator[Piece]:
        at, after = 0, -1
        with self._bytes.reading(assembly):
            while at < end:
                parts = await self._database.read(
                    partial(parts_of, assembly=assembly, after=after, most=PAGE)
                )
                if not parts:
                    return
                for part in parts:
                    low, high = max(start, at), min(end, at + part.size)
                    if low < high and part.blob is not None:
                        yield Piece(part.blob, low - at, high - low)
                    at += part.size
                after = parts[-1].number

    async def _of_segments(
        self, segments: Sequence[Segment], access: Access, start: int, end: int, depth: int
    ) -> AsyncIterator[Piece]:
        at = 0
        for each in segments:
            low, high = max(start, at), min(end, at + each.length)
            if low < high:
                first, last = each.start + low - at, each.start + high - at
                if each.data is not None:
                    yield Piece(None, 0, last - first, each.data[first:last])
                else:
                    row = await self._segment(each, access)
                    async for piece in self._of_row(row, access, first, last, depth):
                        yield piece
            at += each.length
            if at >= end:
                return

    async def _segment(self, segment: Segment, access: Access) -> ObjectRow:
        """Its object, if it is still what the manifest says."""

        def find(tx: Tx) -> ObjectRow:
            # Whatever is asked of the whole, its segments are read as they are now.
            reader = access.doing("s3:GetObject")
            row = self._objects.seen(tx, reader, segment.container, segment.name)
            return links.followed(tx, self._objects, reader, row)

        try:
            row = await self._database.read(find)
        except (NoSuchContainer, NoSuchObject):
            raise Changed() from None
        except StoreFault as fault:
            raise Changed() from fault
        if row.etag != segment.etag or row.size != segment.size:
            raise Changed()
        return row

    async def _dynamic(self, row: ObjectRow, access: Access) -> Content:
        """All objects with the manifest's prefix, as they are now."""
        container_name, _, prefix = _decoded(row.headers[MANIFEST]).partition("/")

        def find(tx: Tx) -> ContainerRow | None:
            found = self._containers.find(tx, access.account, container_name)
            access.doing("s3:GetObject").check("read", found, container_name, prefix)
            return found

        container = await self._database.read(find)
        segments: list[Segment] = []
        low = prefix.encode()
        high = behind(low) if low else END
        while container is not None and len(segments) < MOST_DYNAMIC:
            wanted = Wanted(low, high, False, PAGE)
            rows = await self._database.read(
                partial(objects_of, container_id=container.id, wanted=wanted)
            )
            for name, size, etag, kind, *_ in rows:
                if size:
                    segments.append(
                        Segment(size, etag, size, 0, container.text, name.decode(), "", kind)
                    )
            if len(rows) < PAGE:
                break
            low = rows[-1][0] + b"\0"
        total = hashlib.md5(usedforsecurity=False)
        for each in segments:
            total.update(each.etag.encode())
        return Content(row, sum(each.size for each in segments), total.hexdigest(), segments)


def parts_of(tx: Tx, assembly: str, after: int, most: int) -> list[PartRow]:
    """Parts with a number above `after`, in order."""
    return tx.all(queries.PARTS, assembly=assembly, after=after, most=most)


def _decoded(value: str) -> str:
    """A header's value, percent-decoded; what is not UTF-8 names nothing."""
    return unquote_to_bytes(value.encode("latin-1")).decode("utf-8", "replace")
