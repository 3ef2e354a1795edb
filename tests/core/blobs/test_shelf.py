"""A host's content: fetched once, checked, linked where that can be, and gone when nobody needs
it."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.shelf import Coming, Shelf
from cumulo.core.blobs.streams import Reader
from tests.support.contents import Store, shelf_at

BYTES = b"content" * 100_000
GOOD = Content("an-image", hashlib.sha512(BYTES).hexdigest(), len(BYTES))


class Far:
    """A reader that is no file, as of another machine."""

    def __init__(self, content: bytes, slow: asyncio.Event | None = None) -> None:
        self.content = content
        self.size: int | None = len(content)
        self.slow = slow

    async def read(self, offset: int, length: int) -> bytes:
        if self.slow is not None:
            await self.slow.wait()
        return self.content[offset : offset + length]

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        """Nothing."""


class Other:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.opened = 0

    async def open(self, content: Content) -> Reader:
        self.opened += 1
        return self.reader


def test_what_is_a_file_here_is_linked(tmp_path: Path) -> None:
    async def main() -> None:
        store = Store(tmp_path / "store")
        store.put("an-image", BYTES)
        shelf = shelf_at(tmp_path, store)
        assert shelf.find(GOOD) is None
        path = await shelf.have(GOOD)
        assert path.stat().st_ino == (store.folder / "an-image").stat().st_ino
        (store.folder / "an-image").unlink()
        assert (await shelf.have(GOOD)).read_bytes() == BYTES
        assert store.opened == ["an-image"]
        with pytest.raises(Missing):
            await shelf.have(Content("another-one"))
        with pytest.raises(ValueError, match="not the name"):
            await shelf.have(Content("../../etc/passwd"))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("came", "why"),
    [
        (BYTES[:-1], "bytes came, not"),
        (BYTES + b"x", "more than"),
        (BYTES[:-1] + b"x", "not those"),
    ],
)
def test_what_comes_from_afar_is_checked(tmp_path: Path, came: bytes, why: str) -> None:
    async def main() -> None:
        shelf = Shelf(tmp_path / "cache", lambda: Other(Far(came)))
        with pytest.raises(OSError, match=why):
            await shelf.have(GOOD)
        assert list((tmp_path / "cache").iterdir()) == []
        good = Shelf(tmp_path / "cache", lambda: Other(Far(BYTES)))
        assert (await good.have(GOOD)).read_bytes() == BYTES

    asyncio.run(main())


def test_it_is_fetched_once_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cumulo.core.blobs.shelf.PATIENCE", 0.01)

    async def main() -> None:
        slow = asyncio.Event()
        other = Other(Far(BYTES, slow))
        shelf = Shelf(tmp_path / "cache", lambda: other)
        for _ in range(3):
            with pytest.raises(Coming):
                await shelf.have(GOOD)
        slow.set()
        while shelf.find(GOOD) is None:
            await asyncio.sleep(0.01)
        assert (other.opened, (await shelf.have(GOOD)).read_bytes()) == (1, BYTES)

    asyncio.run(main())


def test_what_no_user_needs_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        shelf = shelf_at(tmp_path).used_by("compute").used_by("block_storage")
        folder = tmp_path / "cache"
        folder.mkdir()
        for name in ("guests-image", "volumes-image", "nobodys-image"):
            (folder / name).write_bytes(b"x")
        await shelf.tidy("compute", {"guests-image"})
        assert len(list(folder.iterdir())) == 3, "block storage has not said yet"
        await shelf.tidy("block_storage", {"volumes-image"})
        assert sorted(p.name for p in folder.iterdir()) == ["guests-image", "volumes-image"]
        await shelf.have(Content("volumes-image"))
        await shelf.tidy("block_storage", set())
        assert len(list(folder.iterdir())) == 2, "somebody may be copying it"
        monkeypatch.setattr("cumulo.core.blobs.shelf.LENT_SECONDS", 0.0)
        await shelf.tidy("block_storage", set())
        assert [p.name for p in folder.iterdir()] == ["guests-image"]

    asyncio.run(main())
