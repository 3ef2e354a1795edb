"""Content as an answer: conditions, ranges, and pieces of files that the kernel sends."""

import os
from collections.abc import AsyncIterator, Mapping

from cumulo.core.http.operations import Call, Reply
from cumulo.core.http.zero_copy import FileRange
from cumulo.object_store.api import texts
from cumulo.object_store.model import conditions, ranges
from cumulo.object_store.model.faults import Missing
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.bytes import READ, Bytes, Piece
from cumulo.object_store.service.contents import Content
from cumulo.object_store.service.multipart import PartOf
from cumulo.object_store.service.object_store import ObjectStoreService

SMALL = 64 * 1024
"""Bytes up to which an answer is read and sent in one go."""


async def send(
    store: ObjectStoreService,
    call: Call,
    content: Content,
    access: Access,
    headers: Mapping[str, str],
    *,
    content_type: str,
    etag: str,
) -> Reply:
    """The answer to a GET or HEAD. `etag`: as conditions are compared with it, without quotes."""
    given = call.headers()
    found = dict(headers)
    size, head = content.size, call.operation.method == "HEAD"
    outcome = conditions.outcome(given, etag, content.row.timestamp, both=True)
    if outcome != 200:
        kind = texts.HTML if outcome == 412 else content_type
        return Reply(outcome, headers={**found, "Content-Length": "0"}, raw=b"", content_type=kind)
    wanted = ranges.parse(given.get("range"))
    if wanted is None or not conditions.range_holds(given, etag, content.row.timestamp):
        found["Content-Length"] = str(size)
        if head:
            return Reply(200, headers=found, raw=b"", content_type=content_type)
        return await body(store, call, content, access, 0, size, 200, found, content_type)
    parts = ranges.satisfied(wanted, size)
    if len(parts) > 1 and content.is_dynamic:
        # Swift's dynamic large objects have no multi-ranges.
        found["Content-Length"] = str(size)
        if head:
            return Reply(200, headers=found, raw=b"", content_type=content_type)
        return await body(store, call, content, access, 0, size, 200, found, content_type)
    if not parts:
        page = b"" if head else texts.page(416, "Requested Range Not Satisfiable")
        found |= {"Content-Range": f"bytes */{size}", "Content-Length": str(len(page))}
        return Reply(416, headers=found, raw=page, content_type=texts.HTML)
    if len(parts) == 1:
        start, end = parts[0]
        found |= {
            "Content-Range": f"bytes {start}-{end - 1}/{size}",
            "Content-Length": str(end - start),
        }
        if head:
            return Reply(206, headers=found, raw=b"", content_type=content_type)
        return await body(store, call, content, access, start, end, 206, found, content_type)
    return _multipart(store, call, content, access, parts, found, content_type)


async def send_part(
    store: ObjectStoreService,
    call: Call,
    content: Content,
    access: Access,
    headers: Mapping[str, str],
    part: PartOf,
    *,
    content_type: str,
) -> Reply:
    """One part of a large object; none of that number is 416."""
    found = {**headers, "X-Parts-Count": str(part.parts)}
    head = call.operation.method == "HEAD"
    if part.start < 0:
        text = b"" if head else b"The requested part number is not satisfiable"
        found |= {"Content-Range": f"bytes */{content.size}", "Content-Length": str(len(text))}
        return Reply(416, headers=found, raw=text, content_type=texts.PLAIN)
    found |= {
        "Content-Range": f"bytes {part.start}-{part.end - 1}/{content.size}",
        "Content-Length": str(part.end - part.start),
    }
    if head:
        return Reply(206, headers=found, raw=b"", content_type=content_type)
    return await body(store, call, content, access, part.start, part.end, 206, found, content_type)


async def body(
    store: ObjectStoreService,
    call: Call,
    content: Content,
    access: Access,
    start: int,
    end: int,
    status: int,
    headers: Mapping[str, str],
    content_type: str,
) -> Reply:
    row = content.row
    if end - start <= SMALL and row.kind == "plain" and not content.is_large:
        raw = b""
        if row.blob is not None and start < end:
            raw = await store.bytes.read_once(row.blob, start, end - start)
        return Reply(status, headers=headers, raw=raw, content_type=content_type)
    pieces = store.contents.pieces(content, access, start, end)
    stream = await begun(stream_of(store.bytes, pieces, call.sends_files))
    return Reply(status, headers=headers, stream=stream, content_type=content_type)


def _multipart(
    store: ObjectStoreService,
    call: Call,
    content: Content,
    access: Access,
    parts: list[tuple[int, int]],
    headers: dict[str, str],
    content_type: str,
) -> Reply:
    """Several ranges: `multipart/byteranges`."""
    boundary = os.urandom(16).hex()
    heads = [
        f"--{boundary}\r\nContent-Type: {content_type}\r\n"
        f"Content-Range: bytes {start}-{end - 1}/{content.size}\r\n\r\n".encode("latin-1")
        for start, end in parts
    ]
    tail = f"--{boundary}--".encode()
    length = len(tail) + sum(len(head) + 2 for head in heads)
    headers["Content-Length"] = str(length + sum(end - start for start, end in parts))

    async def pieces() -> AsyncIterator[Piece]:
        for head, (start, end) in zip(heads, parts, strict=True):
            yield Piece(None, 0, len(head), head)
            async for piece in store.contents.pieces(content, access, start, end):
                yield piece
            yield Piece(None, 0, 2, b"\r\n")
        yield Piece(None, 0, len(tail), tail)

    stream = None
    if call.operation.method != "HEAD":
        stream = stream_of(store.bytes, pieces(), call.sends_files)
    return Reply(
        206,
        headers=headers,
        raw=None if stream is not None else b"",
        stream=stream,
        content_type=f"multipart/byteranges;boundary={boundary}",
    )


async def stream_of(
    bytes_: Bytes, pieces: AsyncIterator[Piece], sends_files: bool
) -> AsyncIterator[bytes]:
    """The pieces one after the other; each file is open only while it is sent."""
    if not sends_files:
        async for block in bytes_.read(pieces):
            yield block
        return
    async for piece in pieces:
        if piece.blob is None:
            yield piece.text
            continue
        opened = await bytes_.open(piece.blob)
        try:
            if opened.as_it_is:
                yield FileRange.of(opened.descriptor, piece.start, piece.length)
                continue
            at, end = piece.start, piece.start + piece.length
            while at < end:
                block = await opened.read(at, min(READ, end - at))
                if not block:
                    raise Missing()
                at += len(block)
                yield block
        finally:
            opened.close()


async def begun(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same stream; what is wrong with its first piece is raised here, before an answer."""
    try:
        first = await anext(stream)
    except StopAsyncIteration:
        first = b""

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for block in stream:
            yield block

    return whole()
