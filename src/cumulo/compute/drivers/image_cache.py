"""Images on a host: one file per content, named by its hash, below the root disks of guests.

A hard link where the store is on the same file system, a copy otherwise. A link keeps the
content of an image that was deleted in the store while guests still run on it.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path

_NAME = re.compile(r"[0-9a-zA-Z-]{8,128}")


class ImageCache:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str) -> str | None:
        """The path of the cached file, if it is here."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not the name of an image: {name!r}")
        target = self._folder / name
        return str(target) if target.exists() else None

    def ensure(self, name: str, source: str) -> str:
        """The path of the cached file. Raises OSError (no such source), ValueError (bad name).

        May copy gigabytes: call it on a thread.
        """
        found = self.find(name)
        if found is not None:
            return found
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / name
        temporary = self._folder / f".{name}.new"
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        temporary.replace(target)
        return str(target)

    def keep_only(self, names: Collection[str]) -> None:
        """Remove what no guest of this host needs."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if path.name not in names and not path.name.startswith("."):
                path.unlink(missing_ok=True)
