"""The content that a host has: one file for the same bytes, whoever needs them.

    FOLDER/NAME        sha512, or the image's id where there is no sum

A hard link where the source is a file of the same file system, shared blocks where that can be, a
copy that is checked by its sum otherwise. A link keeps the content of an image that was deleted in
the store while guests still stand on it.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path

from cumulo.core.blobs import files
from cumulo.core.blobs.content import Content, Contents, Missing
from cumulo.core.blobs.files import FileWriter
from cumulo.core.blobs.streams import Reader, copy
from cumulo.core.blobs.sums import Sums
from cumulo.core.work import pools

AT_ONCE = 2
PATIENCE = 1.0
"""Seconds for which `have` waits for content that is on its way."""
LENT_SECONDS = 900.0
"""What was asked for is kept at least so long: somebody is copying it."""
MOST = 1 << 50
SHA512 = 128
"""Digits: what servers of an earlier release hold for a sum may be another one."""
_NAME = re.compile(r"[0-9a-zA-Z-]{8,128}")


class Coming(Exception):
    """It is on its way: ask again."""


class Shelf:
    """`source`: who has what is not here; None where nobody is connected yet."""

    def __init__(self, folder: Path, source: Callable[[], Contents | None]) -> None:
        self._folder = folder
        self._source = source
        self._coming: dict[str, asyncio.Task[Path]] = {}
        self._lent: dict[str, float] = {}
        self._needs: dict[str, frozenset[str] | None] = {}
        """Of each user; None: it has not said yet."""
        self._places = asyncio.Semaphore(AT_ONCE)
        self._swept = False

    def find(self, content: Content) -> Path | None:
        """The file, if it is here. Raises ValueError for what is no name."""
        target = self._target(content)
        return target if target.exists() else None

    async def have(self, content: Content) -> Path:
        """The file, which is fetched if it is not here; once, however many ask for it. Raises
        Coming, Missing, OSError."""
        name = content.name
        self._lent[name] = time.monotonic()
        found = self.find(content)
        if found is not None:
            return found
        fetching = self._coming.get(name)
        if fetching is None:
            fetching = asyncio.create_task(self._fetch(content))
            self._coming[name] = fetching
            fetching.add_done_callback(lambda done: self._coming.pop(name, None))
        ended, _ = await asyncio.wait({fetching}, timeout=PATIENCE)
        if not ended:
            raise Coming(f"content {name[:12]} is being copied to this host")
        return fetching.result()

    async def tidy(self, user: str, needed: Collection[str]) -> None:
        """`user` (a kind of work) needs what has these names; what nobody needs goes, as soon as
        all who use the shelf have said what they need."""
        self._needs[user] = frozenset(needed)
        told = [names for names in self._needs.values() if names is not None]
        if len(told) < len(self._needs):
            return
        old = time.monotonic() - LENT_SECONDS
        self._lent = {name: at for name, at in self._lent.items() if at > old}
        kept = {*self._lent, *self._coming, *(name for names in told for name in names)}
        await pools.DISK(self._keep_only, kept)

    def used_by(self, user: str) -> "Shelf":
        """Nothing goes before this user has said what it needs."""
        self._needs[user] = None
        return self

    def _target(self, content: Content) -> Path:
        if not _NAME.fullmatch(content.name):
            raise ValueError(f"not the name of content: {content.name!r}")
        return self._folder / content.name

    async def _fetch(self, content: Content) -> Path:
        source = self._source()
        if source is None:
            raise OSError("nobody is connected who has the content of images")
        target = self._target(content)
        async with self._places:
            await pools.DISK(self._prepare)
            reader = await source.open(content)
            if await self._linked(reader, target):
                await reader.close()
                return target
            writer = FileWriter(target, Sums("sha512"))
            try:
                got = await copy(reader, writer, lambda at: None, content.size or MOST)
                if content.size and got.size != content.size:
                    raise OSError(f"{got.size} bytes came, not {content.size}")
                if len(content.sha512) == SHA512 and got.hex["sha512"] != content.sha512:
                    raise OSError("the bytes that came are not those of the image")
                await writer.keep()
            except BaseException:
                await writer.drop()
                raise
        return target

    async def _linked(self, reader: Reader, target: Path) -> bool:
        descriptor = reader.descriptor()
        if descriptor is None:
            return False
        return await pools.DISK(_link, descriptor, target)

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            files.forget_unfinished(self._folder)

    def _keep_only(self, names: Collection[str]) -> None:
        if self._folder.is_dir():
            for name in list(files.names(self._folder)):
                if name not in names:
                    (self._folder / name).unlink(missing_ok=True)


def _link(descriptor: int, target: Path) -> bool:
    """Another name for the open file; False where there is none (another file system, a file that
    was removed meanwhile)."""
    temporary = target.with_name(f"{files.UNFINISHED}{target.name}-link")
    mine = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY)
    try:
        temporary.unlink(missing_ok=True)
        # By a descriptor of the folder: only so is the link of /proc followed to the file.
        os.link(str(descriptor), temporary, src_dir_fd=mine, follow_symlinks=True)
        temporary.replace(target)
    except OSError:
        return False
    finally:
        os.close(mine)
    return True


__all__ = ["Coming", "Missing", "Shelf"]
