"""Bytes are there whole or not at all, hashed on the way, with their holes; ranges are as HTTP has
them; a pool's long work holds up only itself."""

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cumulo.core.blobs import files, ranges, sparse
from cumulo.core.blobs.files import FileReader, FileWriter
from cumulo.core.blobs.streams import BLOCK, TooMuch, blocks, copy, exactly, in_blocks
from cumulo.core.blobs.sums import Sums
from cumulo.core.work.pools import Pool

CONTENT = os.urandom(3 * BLOCK) + bytes(5 * BLOCK) + os.urandom(1000)


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def test_a_stream_becomes_a_file(tmp_path: Path) -> None:
    async def main() -> None:
        writer = FileWriter(tmp_path / "x", Sums("md5", "sha512"))
        async for block in in_blocks(pieces(CONTENT, 70_000), len(CONTENT)):
            await writer.write(block)
        sums = await writer.finish()
        assert list(files.names(tmp_path)) == []
        await writer.keep()
        await writer.drop()
        assert sums.size == writer.size == len(CONTENT)
        assert sums.hex["sha512"] == hashlib.sha512(CONTENT).hexdigest()
        assert sums.hex["md5"] == hashlib.md5(CONTENT).hexdigest()
        reader = await FileReader.open(tmp_path / "x")
        assert b"".join([block async for block in blocks(reader, 10, 20)]) == CONTENT[10:20]

    asyncio.run(main())
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_nothing_is_there_before_it_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        writer = FileWriter(tmp_path / "x", Sums("md5"))
        await writer.write(b"half")
        await writer.drop()
        await writer.drop()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    writer = FileWriter(tmp_path / "x", Sums("md5"))
    assert writer.finish_now().hex == {"md5": hashlib.md5(b"").hexdigest()}
    writer.keep_now()
    assert (tmp_path / "x").read_bytes() == b""


def test_what_killed_writers_left_goes_and_what_is_written_stays(tmp_path: Path) -> None:
    """What another process writes is as old as a killed one's, but it is locked."""
    writers = {name: FileWriter(tmp_path / name, Sums()) for name in ("new", "left", "other")}
    for name, writer in writers.items():
        writer.write_now(b"x")
        if name != "new":
            os.utime(next(tmp_path.glob(f".new-{name}-*")), (1, 1))
    writers["left"]._close()
    assert files.forget_unfinished(tmp_path) == 1
    assert sorted(path.name[:8] for path in tmp_path.iterdir()) == [".new-new", ".new-oth"]


def test_a_stream_that_is_too_long_is_refused_before_it_is_stored() -> None:
    async def main(body: AsyncIterator[bytes]) -> int:
        return sum([len(each) async for each in body])

    assert asyncio.run(main(in_blocks(pieces(b"12345", 2), 5))) == 5
    with pytest.raises(TooMuch):
        asyncio.run(main(in_blocks(pieces(b"12345", 2), 4)))
    assert asyncio.run(main(exactly(pieces(b"12345", 2), 5))) == 5
    for promised in (4, 6):
        with pytest.raises(EOFError):
            asyncio.run(main(exactly(pieces(b"12345", 2), promised)))


def test_copies_keep_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    with source.open("r+b") as file:
        file.truncate(len(CONTENT) + 40 * BLOCK)
    assert sparse.copy_file(source, tmp_path / "target") == len(CONTENT) + 40 * BLOCK
    assert (tmp_path / "target").read_bytes() == source.read_bytes()
    assert (tmp_path / "target").stat().st_blocks * 512 < 4 * BLOCK

    async def stream() -> None:
        writer = FileWriter(tmp_path / "streamed", Sums("sha256"))
        await copy(await FileReader.open(source), writer, lambda at: None, 1 << 30)
        await writer.keep()

    asyncio.run(stream())
    assert (tmp_path / "streamed").stat().st_blocks * 512 < 5 * BLOCK
    assert (tmp_path / "streamed").read_bytes() == source.read_bytes()


def test_a_copy_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    stop = threading.Event()
    stop.set()
    with pytest.raises(sparse.Stopped):
        sparse.copy_file(tmp_path / "source", tmp_path / "target", stop=stop)
    with pytest.raises(FileExistsError):
        sparse.copy_file(tmp_path / "source", tmp_path / "source")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-9", [(0, 10)]),
        ("bytes=90-", [(90, 100)]),
        ("bytes=-10", [(90, 100)]),
        ("bytes=-1000", [(0, 100)]),
        ("bytes=50-1000", [(50, 100)]),
        ("Bytes = 0-0 , 99-99", [(0, 1), (99, 100)]),
        ("bytes=100-", []),
        ("bytes=-0", []),
        ("bytes=100-200,5-6", [(5, 7)]),
        ("bytes=9-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("lines=0-1", None),
        ("bytes 0-1", None),
        ("bytes=" + "1" * 30 + "-", None),
        ("bytes=" + ",".join(["0-1"] * 60), None),
    ],
)
def test_ranges(header: str, wanted: list[tuple[int, int]] | None) -> None:
    assert ranges.parse(header, 100) == wanted


def test_a_pool_holds_up_only_itself() -> None:
    slow, quick = Pool("slow", 1), Pool("quick", 1)
    end = threading.Event()

    async def main() -> None:
        held = [asyncio.create_task(slow(end.wait, 10)) for _ in range(3)]
        await asyncio.sleep(0)
        began = time.monotonic()
        assert await quick(lambda: threading.current_thread().name) == "cumulo-quick_0"
        assert time.monotonic() - began < 5
        assert (slow.busy, quick.busy) == (3, 0)
        end.set()
        await asyncio.gather(*held)
        assert slow.busy == 0

    asyncio.run(main())
