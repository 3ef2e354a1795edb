"""What every image driver must do: the same tests for files and for simulated images."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cumulo.image.drivers.driver import ImageDriver
from cumulo.image.drivers.fake import FakeDriver
from cumulo.image.drivers.file import FileDriver
from cumulo.image.model.content import Received

KINDS: dict[str, Callable[[Path], ImageDriver]] = {
    "file": FileDriver,
    "fake": lambda data: FakeDriver(),
}


async def put(driver: ImageDriver, image_id: str, *blocks: bytes) -> Received:
    writer = driver.writer(image_id)
    for block in blocks:
        await writer.write(block)
    received = await writer.finish()
    await writer.keep()
    return received


async def content(driver: ImageDriver, image_id: str) -> bytes:
    reader = await driver.reader(image_id)
    try:
        return await reader.read(0, 1 << 20)
    finally:
        await reader.close()


@pytest.fixture(params=sorted(KINDS))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def play(story: Callable[[ImageDriver], Awaitable[None]]) -> None:
        driver = KINDS[request.param](tmp_path)

        async def main() -> None:
            await story(driver)

        asyncio.run(main())

    return play


class TestImageDriver:
    def test_what_is_written_is_read(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            got = await put(driver, "a", b"hello ", b"world")
            assert got.size == 11 and got.head == b"hello world"
            assert got.sha512 == hashlib.sha512(b"hello world").hexdigest()
            assert got.md5 == hashlib.md5(b"hello world").hexdigest()
            assert await content(driver, "a") == b"hello world"
            reader = await driver.reader("a")
            assert await reader.read(6, 3) == b"wor"
            assert await reader.read(11, 3) == b""
            await reader.close()
            assert list(await driver.list()) == ["a"]

        run(story)

    def test_nothing_is_there_before_keep(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            writer = driver.writer("a")
            await writer.write(b"x")
            await writer.finish()
            assert list(await driver.list()) == []
            with pytest.raises(KeyError):
                await driver.reader("a")
            await writer.drop()
            await writer.drop()
            assert list(await driver.list()) == []

        run(story)

    def test_an_empty_image(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            assert (await put(driver, "a")).size == 0
            assert await content(driver, "a") == b""

        run(story)

    def test_keeping_again_replaces(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            await put(driver, "a", b"one")
            reader = await driver.reader("a")
            await put(driver, "a", b"two")
            assert await content(driver, "a") == b"two"
            assert await reader.read(0, 3) == b"one"
            await reader.close()

        run(story)

    def test_removing_twice(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            await put(driver, "a", b"one")
            await driver.remove("a")
            await driver.remove("a")
            assert list(await driver.list()) == []

        run(story)

    @pytest.mark.parametrize("bad", ["", "../a", "a/b", ".new-a", "a" * 65])
    def test_an_id_is_no_path(self, run: Any, bad: str) -> None:
        async def story(driver: ImageDriver) -> None:
            with pytest.raises(ValueError):
                driver.writer(bad)
            with pytest.raises(ValueError):
                await driver.remove(bad)

        run(story)

    def test_room(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            assert (await driver.capabilities()).free_bytes > 0

        run(story)


def test_files_of_interrupted_uploads_go(tmp_path: Path) -> None:
    async def main() -> None:
        driver = FileDriver(tmp_path)
        await put(driver, "whole", b"x")
        await driver.writer("half").write(b"y")
        again = FileDriver(tmp_path)
        assert await again.forget_unfinished() == 1
        assert [p.name for p in (tmp_path / "images").iterdir()] == ["whole"]

    asyncio.run(main())
