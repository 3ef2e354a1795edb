"""Backups as files of a folder, which may be another machine's that is mounted there.

FOLDER/CONTENT/PIECE      one piece, read-only
FOLDER/CONTENT/.new-…     one that is being written
"""

import shutil
from pathlib import Path

from cumulo.block_storage.model.backup_store import check_content, check_piece
from cumulo.core.blobs.files import UNFINISHED, FileWriter
from cumulo.core.blobs.sums import Sums
from cumulo.core.work import pools


class FileBackups:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, content: str, piece: str, data: bytes) -> None:
        await pools.DISK(self._put, self._path(content, piece), data)

    async def get(self, content: str, piece: str) -> bytes:
        try:
            return await pools.DISK(self._path(content, piece).read_bytes)
        except FileNotFoundError:
            raise KeyError(f"{content}/{piece}") from None

    async def remove(self, content: str) -> None:
        await pools.DISK(self._remove, self._folder / check_content(content))

    async def contents(self) -> list[str]:
        return await pools.DISK(self._contents)

    def _path(self, content: str, piece: str) -> Path:
        return self._folder / check_content(content) / check_piece(piece)

    def _put(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in path.parent.glob(f"{UNFINISHED}{path.name}-*"):
            left.unlink(missing_ok=True)  # by who was killed: one job at a time writes here
        writer = FileWriter(path, Sums(), mode=0o400)
        try:
            writer.write_now(data)
            writer.finish_now()
            writer.keep_now()
        except BaseException:
            writer.drop_now()
            raise

    def _remove(self, folder: Path) -> None:
        if folder.exists():
            shutil.rmtree(folder)

    def _contents(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(each.name for each in self._folder.iterdir() if each.is_dir())
