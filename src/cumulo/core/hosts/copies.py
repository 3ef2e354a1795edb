"""Copies of disks on their way: a host keeps one for a while, and hands it over piece by piece.

Pieces are small: they travel among a host's other messages, and hold up none of them. On the host
there are `Copies`; the control plane reads one of them as a `HostCopy`, and may `send` it on.
"""

import errno
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from cumulo.core.blobs.room import check_room
from cumulo.core.blobs.streams import BLOCK, Reader
from cumulo.core.work import pools

PIECE = 512 * 1024
"""Bytes of a copy that are handed over at once."""
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
OLD = 86400.0
"""Seconds after which nobody waits for a copy any more"""
MOST = 1 << 50


class Copies:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        return self._folder / _checked(name)

    async def prepare(self, name: str) -> Path:
        """Where a copy of this name is to be made."""
        path = self.path(name)
        await pools.DISK(lambda: self._folder.mkdir(parents=True, exist_ok=True))
        return path

    async def answer(self, question: str, arguments: Mapping[str, Any]) -> bytes | int | None:
        """`read_copy` (name, offset, length), `next_data` (name, offset), `put_copy` (name,
        offset, data; durable: all that came is on the disk), `drop_copy` (name). Raises OSError,
        ValueError."""
        path = await self.prepare(arguments["name"])
        if question == "drop_copy":
            await pools.DISK(path.unlink, True)
            return None
        offset = int(arguments["offset"])
        if not 0 <= offset < MOST:
            raise ValueError(f"not an offset: {offset}")
        if question == "read_copy":
            return await pools.DISK(_read, path, offset, min(int(arguments["length"]), PIECE))
        if question == "next_data":
            return await pools.DISK(_next_data, path, offset)
        durable = bool(arguments.get("durable"))
        await pools.DISK(_put, path, offset, arguments["data"], durable)
        return None

    async def tidy(self) -> None:
        await pools.DISK(self._forget_old)

    def _forget_old(self) -> None:
        old = time.time() - OLD
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if path.stat().st_mtime < old:
                path.unlink(missing_ok=True)


def _read(path: Path, offset: int, length: int) -> bytes:
    os.utime(path)  # one that is read is waited for, however long that takes
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _next_data(path: Path, offset: int) -> int:
    """The first place from there on that is no hole; the end of the file where none is."""
    os.utime(path)
    with path.open("rb") as file:
        try:
            return os.lseek(file.fileno(), offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return max(offset, os.fstat(file.fileno()).st_size)


def _put(path: Path, offset: int, data: bytes, durable: bool) -> None:
    check_room(path.parent, len(data))
    with path.open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _checked(name: str) -> str:
    """A name that may become part of a path. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name: {name!r}")
    return name


Asks = Callable[..., Awaitable[Any]]
"""(host, question, arguments by name) → the answer."""


class HostCopy:
    """A `streams.Reader` of a copy that a host has."""

    def __init__(self, ask: Asks, host_id: str, name: str, size: int | None = None) -> None:
        self._ask = ask
        self._host_id = host_id
        self._name = name
        self.size = size

    async def read(self, offset: int, length: int) -> bytes:
        length = min(length, PIECE)
        found: bytes = await self._ask(
            self._host_id, "read_copy", name=self._name, offset=offset, length=length
        )
        return found

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        """The copy stays until it is dropped by its name."""


async def send(
    ask: Asks, host_id: str, name: str, reader: Reader, check: Callable[[], None]
) -> None:
    """The same bytes on another host, under the same name. `check` is called before each piece: it
    raises when it is somebody else's to write there."""
    offset = 0
    while block := await reader.read(offset, PIECE):
        check()
        await ask(host_id, "put_copy", name=name, offset=offset, data=block)
        offset += len(block)


async def bytes_of(reader: Reader) -> AsyncIterator[bytes]:
    """From its beginning to its end; closed afterwards."""
    offset = 0
    try:
        while block := await reader.read(offset, BLOCK):
            offset += len(block)
            yield block
    finally:
        await reader.close()
