"""Copies of files that cost little: shared blocks where the file system has them, holes kept where
not. The functions block: they run in a thread."""

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from cumulo.core.blobs.streams import BLOCK

HOLE = 64 * 1024
"""Smaller runs of zeros are written: a hole saves nothing there."""
_FICLONE = 0x40049409
"""The ioctl of Btrfs, XFS and others that lets a file share the blocks of another one."""


class Stopped(Exception):
    """Somebody asked the copy to stop."""


def share(source: int, target: int) -> bool:
    """Make the open file `target` share all blocks of `source`; False where that cannot be."""
    with contextlib.suppress(OSError):  # another file system, or two of them
        fcntl.ioctl(target, _FICLONE, source)
        return True
    return False


def is_hole(block: bytes) -> bool:
    """Zeros that need not be written."""
    return len(block) % HOLE == 0 and block.count(0) == len(block)


def write_at(descriptor: int, block: bytes, offset: int) -> None:
    """All of the block, however many calls that takes."""
    view = memoryview(block)
    while view:
        done = os.pwrite(descriptor, view, offset)
        view, offset = view[done:], offset + done


def data_of(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that are no holes: (start, end)."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, min(at, size)


def copy_file(source: Path, target: Path, *, stop: threading.Event | None = None) -> int:
    """`target` becomes a copy of `source`, flushed to the disk; its size. It must not be there
    yet. Raises OSError and Stopped, and then there is no target."""
    with source.open("rb") as old, target.open("xb") as new:
        try:
            size = os.fstat(old.fileno()).st_size
            if not share(old.fileno(), new.fileno()):
                for start, end in data_of(old.fileno(), size):
                    _copy_part(old.fileno(), new.fileno(), start, end, stop)
                os.ftruncate(new.fileno(), size)
            os.fsync(new.fileno())
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return size


def _copy_part(old: int, new: int, at: int, end: int, stop: threading.Event | None) -> None:
    while at < end:
        if stop is not None and stop.is_set():
            raise Stopped
        block = os.pread(old, min(BLOCK, end - at), at)
        if not block:
            raise OSError("the file became shorter while it was copied")
        if not is_hole(block):
            write_at(new, block, at)
        at += len(block)


def flush_folder(folder: Path) -> None:
    """A new name in it is on the disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
