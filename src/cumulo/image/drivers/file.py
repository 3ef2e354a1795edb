"""Images as files.

    FOLDER/ID          a whole image, read-only
    FOLDER/.new-ID-N   an upload at work: flushed to the disk, then renamed
    FOLDER/.work-…     a file that is being made of another one

Writing and hashing happen in a thread, block by block, so memory stays flat however large the
image is. Blocks of zeros become holes. On Btrfs and XFS, what is copied from a file of the same
file system shares its blocks.
"""

import asyncio
import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from cumulo.image.drivers.driver import Capabilities, Sums, check_id
from cumulo.image.model.content import Received

HOLE = 64 * 1024
"""Smaller blocks of zeros are written: a hole saves nothing there."""


_FICLONE = 0x40049409
"""The ioctl of Btrfs, XFS and others that lets a file share the blocks of another one."""


class FileWriter:
    def __init__(self, folder: Path, image_id: str) -> None:
        self._folder = folder
        self._target = folder / image_id
        self._temporary = folder / f".new-{image_id}-{uuid.uuid4().hex}"
        self._sums = Sums()
        self._descriptor: int | None = None
        self._shared = False

    async def write(self, block: bytes) -> None:
        await asyncio.to_thread(self._write, block)

    async def share(self, descriptor: int) -> bool:
        return await asyncio.to_thread(self._share, descriptor)

    async def finish(self) -> Received:
        await asyncio.to_thread(self._write, b"")
        return self._sums.result()

    async def keep(self) -> None:
        await asyncio.to_thread(self._keep)

    async def drop(self) -> None:
        await asyncio.to_thread(self._drop)

    def _write(self, block: bytes) -> None:
        """A block of zeros is only counted: the file gets a hole there."""
        descriptor = self._open()
        at = self._sums.size
        if not self._shared and (len(block) % HOLE or block.count(0) < len(block)):
            view = memoryview(block)
            while view:
                done = os.pwrite(descriptor, view, at)
                view, at = view[done:], at + done
        self._sums.add(block)

    def _share(self, descriptor: int) -> bool:
        with contextlib.suppress(OSError):  # other file systems, or two of them
            fcntl.ioctl(self._open(), _FICLONE, descriptor)
            self._shared = True
        return self._shared

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(self._temporary, flags, 0o444)
        return self._descriptor

    def _keep(self) -> None:
        assert self._descriptor is not None, "finish comes before keep"
        # Guests' QEMU reads images as another user.
        os.fchmod(self._descriptor, 0o444)
        os.ftruncate(self._descriptor, self._sums.size)
        os.fsync(self._descriptor)
        self._close()
        self._temporary.replace(self._target)
        _flush_folder(self._folder)

    def _drop(self) -> None:
        self._close()
        self._temporary.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class FileReader:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size: int | None = os.fstat(descriptor).st_size

    async def read(self, offset: int, length: int) -> bytes:
        return await asyncio.to_thread(os.pread, self._descriptor, length, offset)

    def descriptor(self) -> int | None:
        return self._descriptor

    async def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class FileDriver:
    """Images in a folder. `open_to_guests`: their QEMU, another user, opens files there."""

    def __init__(self, folder: Path, *, open_to_guests: bool = True) -> None:
        self._folder = folder
        self._born = time.time()
        self._folder.mkdir(parents=True, exist_ok=True)
        # Guests' QEMU passes through to an image whose name it was told; it cannot list them.
        self._folder.chmod(0o711 if open_to_guests else 0o700)
        self.capabilities = Capabilities(
            "file", "file", local_files=True, properties={"datadir": str(folder)}
        )

    def writer(self, image_id: str) -> FileWriter:
        return FileWriter(self._folder, check_id(image_id))

    async def reader(self, image_id: str) -> FileReader:
        try:
            path = self._folder / check_id(image_id)
            return FileReader(await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            raise KeyError(image_id) from None

    async def remove(self, image_id: str) -> None:
        path = self._folder / check_id(image_id)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def keys(self) -> Sequence[str]:
        return await asyncio.to_thread(self._names)

    async def forget_unfinished(self) -> int:
        return await asyncio.to_thread(self._forget)

    def path(self, image_id: str) -> str | None:
        return str(self._folder / check_id(image_id))

    def url(self, image_id: str) -> str:
        return f"file://{self._folder / check_id(image_id)}"

    def _names(self) -> Sequence[str]:
        return sorted(path.name for path in self._folder.iterdir() if path.name[0] != ".")

    def _forget(self) -> int:
        count = 0
        for path in self._folder.glob(".*-*"):
            with contextlib.suppress(FileNotFoundError):
                # What is younger is being written by this process.
                if path.stat().st_mtime < self._born:
                    path.unlink()
                    count += 1
        return count


def _flush_folder(folder: Path) -> None:
    """The new name itself is on the disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
