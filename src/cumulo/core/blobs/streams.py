"""Streams of bytes: what reads and writes them, in blocks, so that memory stays flat."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

BLOCK = 1024 * 1024

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


class TooMuch(OSError):
    """More bytes came than there is room for."""


class Reader(Protocol):
    """Bytes that are there."""

    size: int | None
    """How many, where that is known."""

    async def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; empty at the end. Raises OSError."""

    def descriptor(self) -> int | None:
        """The open file, for what can send or share it without copying; None: not a file."""

    async def close(self) -> None: ...


class Writer(Protocol[R_co]):
    """Bytes on their way to where they stay. Nothing of them is there before `keep`."""

    async def write(self, block: bytes) -> None:
        """Append. Raises OSError (no space, nobody answers)."""

    async def share(self, descriptor: int) -> bool:
        """Before the first `write`: take the blocks of this open file without copying them, where
        the file system can. `write` is still given all of its bytes, for the sums."""

    async def finish(self) -> R_co:
        """All bytes are there: what they were."""

    async def keep(self) -> None:
        """What was written is there from now on, whole, and after a power cut too."""

    async def drop(self) -> None:
        """Forget it; also after `keep` failed. Raises nothing."""


async def blocks(reader: Reader, start: int, end: int) -> AsyncIterator[bytes]:
    """Bytes `start` to `end`, then the reader is closed. Raises OSError when there are less."""
    try:
        while start < end:
            block = await reader.read(start, min(BLOCK, end - start))
            if not block:
                raise OSError(f"the store has {end - start} bytes less than it said")
            start += len(block)
            yield block
    finally:
        await reader.close()


async def in_blocks(body: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """The same bytes in blocks of `BLOCK`, the last one shorter. Raises TooMuch."""
    buffer = bytearray()
    total = 0
    async for piece in body:
        total += len(piece)
        if total > most:
            raise TooMuch(f"more than {most} bytes")
        buffer += piece
        if len(buffer) >= BLOCK:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


async def exactly(body: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The stream, as long as its sender has said. Raises EOFError when it is longer or shorter;
    `args` of the error are what was promised, and what came."""
    total = 0
    async for piece in body:
        total += len(piece)
        if total > size:
            break
        yield piece
    if total != size:
        raise EOFError(size, total)


async def copy(reader: Reader, writer: "Writer[R]", progress: Callable[[int], Any], most: int) -> R:
    """All bytes of a reader into a writer; `most` of them. Closes the reader. Raises OSError."""
    at = 0
    try:
        file = reader.descriptor()
        if file is not None:
            await writer.share(file)
        while block := await reader.read(at, BLOCK):
            at += len(block)
            if at > most:
                raise TooMuch(f"more than {most} bytes")
            await writer.write(block)
            progress(at)
            await asyncio.sleep(0)
        return await writer.finish()
    finally:
        await reader.close()
