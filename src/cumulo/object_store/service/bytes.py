"""Bytes in and out: streams to blobs, rows to pieces of blobs. Memory stays flat.

Files are written, hashed and flushed in threads, a block at a time; a small object takes one trip
to a thread in all. Readers are given pieces (blob, from, how many), which the server sends from the
page cache by itself.
"""

import contextlib
import hashlib
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import IO, Any, NamedTuple, Protocol, TypeVar

from cumulo.core.ids import new_hex
from cumulo.core.sim.points import reach
from cumulo.core.work import pools
from cumulo.core.work.ending import to_its_end
from cumulo.object_store.model.ciphers import Ciphers, Work, is_encrypted
from cumulo.object_store.model.faults import Full, Missing, TooLarge
from cumulo.object_store.service.removals import Removals

T = TypeVar("T")

BLOCK = 1024 * 1024
READ = 256 * 1024
"""Bytes of one read where the server does not send files by itself."""


class Writer(Protocol):
    """Of drivers.driver: a service knows drivers by what they do."""

    def write(self, block: bytes) -> None: ...
    def keep(self) -> None: ...
    def drop(self) -> None: ...


class Blobs(Protocol):
    def writer(self, blob: str) -> Writer: ...
    def open(self, blob: str) -> int: ...
    def remove(self, blob: str) -> None: ...
    def sweep(self, partition: int) -> list[str]: ...
    @property
    def partitions(self) -> int: ...


class Sum(Protocol):
    """A hash that is made on the way."""

    def update(self, block: bytes, /) -> object: ...


class Received(NamedTuple):
    blob: str | None
    """None: no bytes came."""
    size: int
    md5: str


class Piece(NamedTuple):
    """Bytes of a blob; or these bytes, where there is no blob."""

    blob: str | None
    start: int
    length: int
    text: bytes = b""


class Bytes:
    def __init__(self, blobs: Blobs, removals: Removals, ciphers: Ciphers | None = None) -> None:
        self.ciphers = ciphers or Ciphers()
        self._blobs = blobs
        self._removals = removals

    async def in_thread(self, work: Callable[..., T], *given: Any) -> T:
        return await pools.DISK(work, *given)

    async def receive(
        self,
        body: AsyncIterator[bytes],
        most: int,
        *,
        sums: Sequence[Sum] = (),
        check: Callable[[int, str], None] = lambda size, md5: None,
    ) -> Received:
        """All of a body, safe on the disk when this returns. `check(size, md5)` may refuse it
        before that; so does TooLarge. Raises Full, and what the body raises."""
        blob = self.ciphers.named(new_hex())
        md5 = hashlib.md5(usedforsecurity=False)
        writing = _Writing(self._blobs.writer(blob), [md5, *sums], self.ciphers.of(blob))
        try:
            buffer = bytearray()
            async for piece in body:
                if writing.size + len(buffer) + len(piece) > most:
                    raise TooLarge()
                buffer += piece
                if len(buffer) >= BLOCK:
                    await self.in_thread(writing.add, bytes(buffer))
                    buffer.clear()
            reach("object: before keep")
            size, digest = await self.in_thread(writing.end, bytes(buffer), check)
            reach("object: after keep")
        except OSError as error:
            await self.in_thread(writing.drop)
            raise Full(f"The object's device does not take it: {error.strerror}") from error
        except BaseException:
            await to_its_end(self.in_thread(writing.drop))
            raise
        return Received(blob if size else None, size, digest)

    async def drop(self, blob: str | None) -> None:
        """Bytes that no row came to have."""
        if blob is not None:
            await self.in_thread(self._blobs.remove, blob)

    async def remove(self, blob: str) -> None:
        await self.in_thread(self._blobs.remove, blob)

    async def sweep(self, partition: int) -> list[str]:
        return await self.in_thread(self._blobs.sweep, partition)

    @property
    def partitions(self) -> int:
        return self._blobs.partitions

    @contextlib.contextmanager
    def reading(self, id: str) -> Iterator[None]:
        """A blob, or an assembly with its parts, stays as long as it is being read."""
        self._removals.readers[id] += 1
        try:
            yield
        finally:
            self._release(id)

    async def open(self, blob: str) -> "Opened":
        """Raises Missing. What is open is not removed meanwhile; close it."""
        self._removals.readers[blob] += 1
        try:
            descriptor = await self.in_thread(self._blobs.open, blob)
        except OSError as error:
            self._release(blob)
            raise Missing() from error
        return Opened(self, blob, descriptor)

    def _release(self, blob: str) -> None:
        self._removals.readers[blob] -= 1
        if not self._removals.readers[blob]:
            del self._removals.readers[blob]

    async def read_once(self, blob: str, start: int, length: int) -> bytes:
        """A few bytes, in one trip to a thread. Raises Missing."""
        try:
            found = await self.in_thread(_read_blob, self._blobs, self.ciphers, blob, start, length)
        except OSError as error:
            raise Missing() from error
        if len(found) < length:
            raise Missing()
        return found

    async def read(self, pieces: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
        """All bytes of the pieces, in blocks."""
        async for piece in pieces:
            if piece.blob is None:
                yield piece.text
                continue
            opened = await self.open(piece.blob)
            try:
                at, end = piece.start, piece.start + piece.length
                while at < end:
                    block = await opened.read(at, min(READ, end - at))
                    if not block:
                        raise Missing()
                    at += len(block)
                    yield block
            finally:
                opened.close()

    async def whole(self, blob: str | None, most: int) -> bytes:
        """All bytes of a small blob: a manifest."""
        if blob is None:
            return b""
        opened = await self.open(blob)
        try:
            return await opened.read(0, most)
        finally:
            opened.close()


class Opened:
    def __init__(self, bytes_: Bytes, blob: str, descriptor: int) -> None:
        self._bytes = bytes_
        self._blob = blob
        self.descriptor = descriptor

    async def read(self, start: int, length: int) -> bytes:
        """Raises Missing."""
        try:
            plain = self._bytes.ciphers.of(self._blob, start)
        except OSError as error:
            raise Missing() from error
        return await self._bytes.in_thread(_read, self.descriptor, start, length, plain)

    @property
    def as_it_is(self) -> bool:
        """Whether the file's bytes are the content's."""
        return not is_encrypted(self._blob)

    def file(self) -> IO[bytes]:
        """Its content from the beginning, for who reads it in a thread; the caller's to close."""
        descriptor = os.dup(self.descriptor)
        os.lseek(descriptor, 0, os.SEEK_SET)
        found = os.fdopen(descriptor, "rb", buffering=0)
        if self.as_it_is:
            return io.BufferedReader(found)
        return io.BufferedReader(_Plain(found, self._bytes.ciphers.of(self._blob)))

    def close(self) -> None:
        if self.descriptor >= 0:
            _close(self.descriptor)
            self.descriptor = -1
            self._bytes._release(self._blob)


class _Writing:
    """What runs in threads: one call at a time."""

    def __init__(self, writer: Writer, sums: Sequence[Any], kept: Work) -> None:
        self._writer = writer
        self._kept = kept
        self._sums = sums
        self.size = 0

    def add(self, block: bytes) -> None:
        self.size += len(block)
        self._writer.write(self._kept(block))
        for each in self._sums:
            each.update(block)

    def end(self, block: bytes, check: Callable[[int, str], None]) -> tuple[int, str]:
        if block:
            self.add(block)
        md5 = self._sums[0].hexdigest()
        check(self.size, md5)
        if self.size:
            self._writer.keep()
        return self.size, md5

    def drop(self) -> None:
        self._writer.drop()


class _Plain(io.RawIOBase):
    """The content of an encrypted blob, forward only."""

    def __init__(self, file: io.FileIO, plain: Work) -> None:
        self._file = file
        self._plain = plain

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._file.read(len(buffer)) or b""
        buffer[: len(block)] = self._plain(block)
        return len(block)

    def close(self) -> None:
        self._file.close()
        super().close()


def _read(descriptor: int, start: int, length: int, plain: Work) -> bytes:
    """As much as there is."""
    found = bytearray()
    while len(found) < length:
        block = os.pread(descriptor, length - len(found), start + len(found))
        if not block:
            break
        found += block
    return plain(bytes(found))


def _read_blob(blobs: Blobs, ciphers: Ciphers, blob: str, start: int, length: int) -> bytes:
    descriptor = blobs.open(blob)
    try:
        return _read(descriptor, start, length, ciphers.of(blob, start))
    finally:
        os.close(descriptor)


def _close(descriptor: int) -> None:
    os.close(descriptor)
