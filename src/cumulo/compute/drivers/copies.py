"""Copies of disks that a host keeps for a while, and hands over piece by piece (`service.copies`
reads them). Pieces are small: they travel among a host's other messages, and hold up none of them.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cumulo.compute.drivers.driver import check_id
from cumulo.compute.model.orders import PIECE
from cumulo.core.work import pools

OLD = 86400.0
"""Seconds after which nobody waits for a copy any more"""
MOST = 1 << 50


class Copies:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        return self._folder / check_id(name)

    async def prepare(self, name: str) -> Path:
        """Where a copy of this name is to be made."""
        path = self.path(name)
        await pools.DISK(lambda: self._folder.mkdir(parents=True, exist_ok=True))
        return path

    async def answer(self, question: str, arguments: Mapping[str, Any]) -> bytes | None:
        """`read_copy` (name, offset, length), `put_copy` (name, offset, data), `drop_copy` (name).
        Raises OSError, ValueError."""
        path = await self.prepare(arguments["name"])
        if question == "drop_copy":
            await pools.DISK(path.unlink, True)
            return None
        offset = int(arguments["offset"])
        if not 0 <= offset < MOST:
            raise ValueError(f"not an offset: {offset}")
        if question == "read_copy":
            return await pools.DISK(_read, path, offset, min(int(arguments["length"]), PIECE))
        await pools.DISK(_put, path, offset, arguments["data"])
        return None

    async def tidy(self) -> None:
        await pools.DISK(self._forget_old)

    def _forget_old(self) -> None:
        old = time.time() - OLD
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if path.stat().st_mtime < old:
                path.unlink(missing_ok=True)


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _put(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(data)
