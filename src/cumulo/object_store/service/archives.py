"""Archives that become objects: tar, plain or packed. Only regular files are looked at.

The archive is a blob while it is read; its members are read in threads of their own pool, block by
block, so memory stays flat however large either is, and whoever stores plain objects does not
wait. Names become objects' names and never paths of this machine.

An archive's own words are bounded before they are followed: `tarfile` reads a long name whole,
however long its header says that it is, and a few packed bytes can be endless zeros.
"""

import bz2
import gzip
import tarfile
import zlib
from collections.abc import AsyncIterator
from typing import IO, NamedTuple

from cumulo.core.work.pools import Pool
from cumulo.object_store.model.faults import BadInput
from cumulo.object_store.service.bytes import READ

MODES = ("tar", "tar.gz", "tar.bz2")
MAX_CONTAINERS = 10_000
MAX_FAILED = 1000
MAX_MEMBERS = 100_000
MAX_HEADER = 1024 * 1024
"""Bytes of one header: names, and the attributes of pax."""
MAX_GROWTH, MIN_UNPACKED = 100, 1024**3
"""An archive is at the most so many times as long unpacked, or so long."""
_POOL = Pool("archives", 2)
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_BROKEN = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RecursionError)


class Member(NamedTuple):
    name: str
    size: int
    file: IO[bytes]


class Archive:
    """`size`: of the packed bytes. Raises BadInput for what is no archive, or not any more."""

    def __init__(self, file: IO[bytes], kind: str, size: int) -> None:
        """`file`: is read to its end and closed."""
        self._file = file
        self._kind = kind
        self._most = max(MIN_UNPACKED, size * MAX_GROWTH)

    async def members(self) -> AsyncIterator[Member]:
        """The regular files, one after the other: read each before the next one."""
        try:
            archive, unpacked = await _POOL(self._open)
            for _ in range(MAX_MEMBERS):
                found = await _POOL(_next, archive, unpacked)
                if found is None:
                    return
                if found.file is not None:
                    yield Member(found.name, found.size, found.file)
            raise BadInput(f"More than {MAX_MEMBERS} entries in the archive.")
        except _BROKEN as error:
            raise BadInput(f"Invalid Tar File: {error}") from None

    def _open(self) -> tuple[tarfile.TarFile, "_Unpacked"]:
        unpacked = _Unpacked(_unpacking(self._file, self._kind), self._most)
        return tarfile.open(fileobj=unpacked, mode="r:"), unpacked  # type: ignore[call-overload]

    async def content(self, member: Member) -> AsyncIterator[bytes]:
        left = member.size
        while left:
            try:
                block = await _POOL(member.file.read, min(READ, left))
            except _BROKEN as error:
                raise BadInput(f"Invalid Tar File: {error}") from None
            if not block:
                raise BadInput("Invalid Tar File: it ends early")
            left -= len(block)
            yield block


def _unpacking(file: IO[bytes], kind: str) -> IO[bytes]:
    if kind == "tar.gz":
        return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]
    return bz2.BZ2File(file) if kind == "tar.bz2" else file


class _Unpacked:
    """What `tarfile` reads: forward only, not more for one member's headers than MAX_HEADER, and
    not more in all than `most`."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self.of_header: int | None = 0
        """Bytes that were read of the headers at work; None: a member's content is read."""
        self._file = file
        self._most = most
        self._at = 0

    def read(self, size: int) -> bytes:
        if self.of_header is not None:
            self.of_header += size
        if not 0 <= size <= MAX_HEADER or (self.of_header or 0) > MAX_HEADER:
            raise tarfile.ReadError("a header is too long")
        return self._take(size)

    def _take(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._file.read(size - len(found))
            if not piece:
                break
            found += piece
        self._at += len(found)
        if self._at > self._most:
            raise tarfile.ReadError("it is too long unpacked")
        return found

    def tell(self) -> int:
        return self._at

    def seek(self, place: int) -> int:
        if place < self._at:
            raise tarfile.ReadError("it leads backwards")
        while self._at < place:
            if not self._take(min(READ, place - self._at)):
                raise tarfile.ReadError("unexpected end of data")
        return self._at

    def close(self) -> None:
        self._file.close()


class _Entry(NamedTuple):
    name: str
    size: int
    file: IO[bytes] | None


def _next(archive: tarfile.TarFile, unpacked: "_Unpacked") -> _Entry | None:
    unpacked.of_header = 0
    entry = archive.next()
    unpacked.of_header = None
    if entry is None:
        archive.close()
        return None
    # The members of a long archive would fill the memory; nobody asks for one again.
    archive.members = []  # type: ignore[attr-defined]
    name = entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    # Of a sparse file the size is the archive's word alone.
    plain = entry.type in _PLAIN and not entry.issparse()
    return _Entry(name, entry.size, archive.extractfile(entry) if plain else None)
