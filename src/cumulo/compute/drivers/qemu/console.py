"""The serial log as a bounded ring, trimmed while QEMU has the file open.

QEMU appends (O_APPEND). Punching a hole at the front gives the space back and races with no
writer: the file's length goes on growing, what it occupies does not.
"""

import ctypes
import os
from pathlib import Path

LIMIT = 1024 * 1024
_BLOCK = 4096
_KEEP_SIZE, _PUNCH_HOLE = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def trim(path: Path, limit: int = LIMIT) -> None:
    """Give back all but the last `limit` bytes (rounded up to a block)."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        found = os.fstat(descriptor)
        if found.st_blocks * 512 <= limit + limit // 2:
            return
        length = (found.st_size - limit) // _BLOCK * _BLOCK
        if length > 0:
            _punch(descriptor, length)
    finally:
        os.close(descriptor)


def _punch(descriptor: int, length: int) -> None:
    result = _libc.fallocate(
        descriptor, _KEEP_SIZE | _PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(length)
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"punch a hole: {os.strerror(number)}")


def tail(path: Path, lines: int | None, limit: int = LIMIT) -> str:
    """The last `lines` lines (None: all) of the last `limit` bytes, as text."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return ""
    with os.fdopen(descriptor, "rb") as log:
        size = os.fstat(descriptor).st_size
        log.seek(max(0, size - limit))
        data = log.read(limit)
    text = data.lstrip(b"\0").decode(errors="replace").replace("\r\n", "\n")
    if lines is None:
        return text
    return "".join(text.splitlines(keepends=True)[-lines:]) if lines > 0 else ""
