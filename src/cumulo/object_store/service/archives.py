"""Archives that become objects: tar, plain or packed. Only regular files are looked at.

The archive is a blob while it is read; its members are read in threads, block by block, so memory
stays flat however large either is. Names become objects' names and never paths of this machine.
"""

import os
import tarfile
import zlib
from collections.abc import AsyncIterator
from typing import IO, NamedTuple

from cumulo.object_store.model.faults import BadInput
from cumulo.object_store.service.bytes import READ, Bytes

MODES = {"tar": "r|", "tar.gz": "r|gz", "tar.bz2": "r|bz2"}
MAX_CONTAINERS = 10_000
MAX_FAILED = 1000
MAX_MEMBERS = 100_000
_BROKEN = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError)


class Member(NamedTuple):
    name: str
    size: int
    file: IO[bytes]


class Archive:
    """Raises BadInput for what is no archive, or no archive any more."""

    def __init__(self, bytes_: Bytes, descriptor: int, kind: str) -> None:
        self._bytes = bytes_
        self._descriptor = os.dup(descriptor)
        self._kind = kind

    async def members(self) -> AsyncIterator[Member]:
        """The regular files, one after the other: read each before the next one."""
        try:
            archive = await self._bytes.in_thread(self._open)
            for _ in range(MAX_MEMBERS):
                found = await self._bytes.in_thread(_next, archive)
                if found is None:
                    return
                if found.file is not None:
                    yield Member(found.name, found.size, found.file)
            raise BadInput(f"More than {MAX_MEMBERS} entries in the archive.")
        except _BROKEN as error:
            raise BadInput(f"Invalid Tar File: {error}") from None

    def _open(self) -> tarfile.TarFile:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        file = os.fdopen(self._descriptor, "rb")
        mode = MODES[self._kind]
        return tarfile.open(fileobj=file, mode=mode)  # type: ignore[call-overload, no-any-return]

    async def content(self, member: Member) -> AsyncIterator[bytes]:
        left = member.size
        while left:
            try:
                block = await self._bytes.in_thread(member.file.read, min(READ, left))
            except _BROKEN as error:
                raise BadInput(f"Invalid Tar File: {error}") from None
            if not block:
                raise BadInput("Invalid Tar File: it ends early")
            left -= len(block)
            yield block


class _Entry(NamedTuple):
    name: str
    size: int
    file: IO[bytes] | None


def _next(archive: tarfile.TarFile) -> _Entry | None:
    entry = archive.next()
    if entry is None:
        archive.close()
        return None
    # A stream's members are not kept by us: those of a long archive would fill the memory.
    archive.members = []  # type: ignore[attr-defined]
    name = entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _Entry(name, entry.size, archive.extractfile(entry) if entry.isreg() else None)
