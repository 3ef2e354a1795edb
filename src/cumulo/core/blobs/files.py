"""Files that are there whole or not at all: written under another name, hashed on the way,
flushed to the disk, renamed.

    writer = FileWriter(folder / name, Sums("md5", "sha512"))
    try:
        async for block in in_blocks(body, most):
            await writer.write(block)
        sums = await writer.finish()
        await writer.keep()
    except BaseException:
        await writer.drop()
        raise

Blocks of zeros become holes. On Btrfs and XFS, what is copied from a file of the same file system
shares its blocks. What a killed process left is named `.new-…`, and nobody has it locked.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from cumulo.core.blobs import sparse
from cumulo.core.blobs.sums import Sink
from cumulo.core.work import pools

R = TypeVar("R")

UNFINISHED = ".new-"
_BORN = time.time()


class FileWriter(Generic[R]):
    """A `streams.Writer`. `folder`: where the unfinished file is, on the same file system (the
    target's own where nothing is said); `mode`: of the file when it is whole."""

    def __init__(
        self, target: Path, sums: Sink[R], *, folder: Path | None = None, mode: int = 0o444
    ) -> None:
        self.target = target
        self._temporary = (
            folder or target.parent
        ) / f"{UNFINISHED}{target.name}-{uuid.uuid4().hex}"
        self._sums = sums
        self._mode = mode
        self._descriptor: int | None = None
        self._shared = False

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._sums.size

    async def write(self, block: bytes) -> None:
        await pools.DISK(self.write_now, block)

    async def share(self, descriptor: int) -> bool:
        return await pools.DISK(self._share, descriptor)

    async def finish(self) -> R:
        await pools.DISK(self._open)
        return self._sums.result()

    async def keep(self) -> None:
        await pools.DISK(self.keep_now)

    async def drop(self) -> None:
        await pools.DISK(self.drop_now)

    # The same for a thread that has all the bytes, and would hop for each step.

    def write_now(self, block: bytes) -> None:
        descriptor = self._open()
        if not self._shared and not sparse.is_hole(block):
            sparse.write_at(descriptor, block, self._sums.size)
        self._sums.add(block)

    def finish_now(self) -> R:
        self._open()
        return self._sums.result()

    def keep_now(self) -> None:
        descriptor = self._open()
        os.fchmod(descriptor, self._mode)
        os.ftruncate(descriptor, self._sums.size)
        os.fsync(descriptor)
        self._close()
        self._temporary.replace(self.target)
        sparse.flush_folder(self.target.parent)

    def drop_now(self) -> None:
        self._close()
        self._temporary.unlink(missing_ok=True)

    def _share(self, descriptor: int) -> bool:
        self._shared = sparse.share(descriptor, self._open())
        return self._shared

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(self._temporary, flags, 0o400)
            # Held until it is closed, or its process is gone: see `forget_unfinished`.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class FileReader:
    """A `streams.Reader` of an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size: int | None = os.fstat(descriptor).st_size

    @classmethod
    async def open(cls, path: Path) -> "FileReader":
        """Raises FileNotFoundError."""
        return cls(await pools.DISK(os.open, path, os.O_RDONLY | os.O_CLOEXEC))

    async def read(self, offset: int, length: int) -> bytes:
        return await pools.DISK(os.pread, self._descriptor, length, offset)

    def descriptor(self) -> int | None:
        return self._descriptor

    async def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def names(folder: Path) -> Iterator[str]:
    """What is there whole."""
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name[0] != ".":
                yield entry.name


def forget_unfinished(folder: Path, *, before: float = _BORN) -> int:
    """Remove what killed writers left; how many. What is younger than this process is left alone,
    and what another process is writing is locked."""
    count = 0
    for path in list(folder.glob(".*-*")):
        try:
            if path.stat().st_mtime >= before:
                continue
            with path.open("rb") as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                count += 1
        except (FileNotFoundError, BlockingIOError):
            continue
    return count
