"""The reserve of a disk."""

import asyncio
import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from cumulo.block_storage.drivers.backup_file import FileBackups
from cumulo.core.blobs import room
from cumulo.core.hosts.copies import Copies


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a percent is free."""
    found = SimpleNamespace(f_bavail=5, f_blocks=1000, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda folder: found)


def test_the_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room.check_room(tmp_path)
    full(monkeypatch)
    assert room.above_reserve(tmp_path) == -5 * 4096
    with pytest.raises(OSError) as caught:
        room.check_room(tmp_path)
    assert caught.value.errno == errno.ENOSPC
    room.check_room(tmp_path, percent=0)
    room.check_room(tmp_path, percent=0.1)


def test_who_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tenants fill: backups, and copies of disks on hosts."""
    full(monkeypatch)
    content = "00000000-0000-4000-8000-000000000000"

    async def main() -> None:
        with pytest.raises(OSError) as caught:
            await FileBackups(tmp_path / "backups").put(content, "head", b"x")
        assert caught.value.errno == errno.ENOSPC
        with pytest.raises(OSError) as caught:
            await Copies(tmp_path).answer("put_copy", {"name": "c", "offset": 1, "data": b"x"})
        assert caught.value.errno == errno.ENOSPC

    asyncio.run(main())
