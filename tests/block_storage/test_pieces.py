"""The pieces of backups: what is stored, what is not, what is refused on the way back."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cumulo.block_storage.drivers.backup_file import FileBackups
from cumulo.block_storage.jobs import pieces
from cumulo.core.blobs import zstd
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Failed

SIZE = pieces.BLOCK * (pieces.PART + 2)


class Disk:
    """A sparse file, as a host's copy."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("r+b")
        self.file.truncate(SIZE)
        self.reads = 0

    def put(self, block: int, data: bytes) -> None:
        self.file.seek(block * pieces.BLOCK)
        self.file.write(data)
        self.file.flush()

    async def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return os.pread(self.file.fileno(), min(length, 512 * 1024), offset)

    async def next_data(self, offset: int) -> int:
        try:
            return os.lseek(self.file.fileno(), offset, os.SEEK_DATA)
        except OSError:
            return SIZE


def disk(tmp_path: Path) -> Disk:
    (tmp_path / "disk").touch()
    return Disk(tmp_path / "disk")


async def back_up(store: FileBackups, source: Disk, parent: str | None = None) -> str:
    content, stored = new_id(), 0
    for number in range(pieces.parts_of(SIZE)):
        stored += await pieces.store_part(store, content, number, source, SIZE, parent)
    await pieces.finish(store, content, SIZE, stored)
    return content


async def restore(store: FileBackups, content: str) -> dict[int, bytes]:
    head, found = await pieces.read_head(store, content), {}
    for number in range(head.parts):
        for at, entry in enumerate(await pieces.read_part(store, content, number)):
            if entry is not None:
                place = number * pieces.PART + at
                found[place] = await pieces.load_block(store, place, entry)
    return found


def test_only_what_is_new_is_stored(tmp_path: Path) -> None:
    async def body() -> None:
        store, source = FileBackups(tmp_path / "backups"), disk(tmp_path)
        source.put(3, b"three" * 1000)
        source.put(pieces.PART + 1, b"last" * 1000)
        full = await back_up(store, source)
        assert (await pieces.read_head(store, full)).stored == 2
        assert source.reads < 40  # holes are not read
        source.put(3, b"another" * 1000)
        source.put(7, b"\0" * 100_000)  # written, and zeros all the same
        more = await back_up(store, source, full)
        assert (await pieces.read_head(store, more)).stored == 1
        third = await back_up(store, source, more)
        assert (await pieces.read_head(store, third)).stored == 0
        found = await restore(store, third)
        assert sorted(found) == [3, pieces.PART + 1]
        assert found[3].startswith(b"another" * 1000) and len(found[3]) == pieces.BLOCK
        assert (await restore(store, full))[3].startswith(b"three" * 1000)
        await store.remove(full)
        with pytest.raises(Failed, match="cannot be read"):
            await restore(store, third)
        for content in (more, third, third):
            await store.remove(content)
        assert await store.contents() == []

    asyncio.run(body())


def test_what_is_damaged_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        store, source = FileBackups(tmp_path / "backups"), disk(tmp_path)
        source.put(0, os.urandom(5000))
        content = await back_up(store, source)
        piece = tmp_path / "backups" / content / "0.zst"
        whole = piece.read_bytes()
        others = zstd.compress(b"x" * pieces.BLOCK)
        for bytes_, words in (
            (others, "is not what was stored"),
            (whole[:-5], "cannot be read"),
            (b"", "is not what was stored"),
            (zstd.compress(b"x" * (pieces.BLOCK + 1)), "cannot be read"),
        ):
            piece.chmod(0o600)
            piece.write_bytes(bytes_)
            with pytest.raises(Failed, match=words):
                await restore(store, content)
        (tmp_path / "backups" / content / "head").unlink()
        with pytest.raises(Failed, match="no whole backup"):
            await restore(store, content)

    asyncio.run(body())


@pytest.mark.parametrize(
    "bad", ["../x", "", "a/b", "backup", "6f7b3b9a-0000-4000-8000-00000000000"]
)
def test_an_id_is_an_id(tmp_path: Path, bad: str) -> None:
    store = FileBackups(tmp_path)
    for call in (store.put(bad, "head", b""), store.remove(bad), store.get(new_id(), "../head")):
        with pytest.raises(ValueError, match="not the"):
            asyncio.run(call)


def test_frames_are_those_of_zstd(tmp_path: Path) -> None:
    data = os.urandom(1000) + b"\0" * 100_000
    packed = zstd.compress(data)
    assert len(packed) < 2000 and zstd.decompress(packed, len(data)) == data
    tool = shutil.which("zstd")
    if tool is not None:
        (tmp_path / "x.zst").write_bytes(packed)
        assert subprocess.check_output([tool, "-dc", str(tmp_path / "x.zst")]) == data
