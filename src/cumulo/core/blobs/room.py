"""What is left free on a disk. It may be the database's, too: without room for that nothing of the
cloud works, not even to remove what has filled it."""

import errno
import os
from pathlib import Path

RESERVE = 1.0
"""Percent of a disk that tenants' bytes leave free."""


def above_reserve(folder: Path, percent: float = RESERVE) -> int:
    """Bytes that may be written there; less than nothing where the reserve is in use."""
    found = os.statvfs(folder)
    return int((found.f_bavail - found.f_blocks * percent / 100) * found.f_frsize)


def check_room(folder: Path, wanted: int = 0, percent: float = RESERVE) -> None:
    """Before so many bytes are written there. Raises OSError (ENOSPC)."""
    if percent and above_reserve(folder, percent) < wanted:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
