"""What every image driver must do: the same tests for files and for simulated images."""

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.outbound.guard import Guard
from cumulo.image.drivers.cinder import CinderDriver, CinderOptions
from cumulo.image.drivers.driver import ImageDriver
from cumulo.image.drivers.fake import FakeDriver
from cumulo.image.drivers.file import FileDriver
from cumulo.image.drivers.kinds import open_driver
from cumulo.image.drivers.rbd import RbdDriver, RbdOptions
from cumulo.image.drivers.s3 import S3Driver, S3Options
from cumulo.image.drivers.swift import SwiftDriver, SwiftOptions
from cumulo.image.model.content import Received
from tests.support.ceph import Ceph
from tests.support.served import ServedCloud, served_cloud
from tests.support.stores import object_store, s3_server, swift_server


@contextlib.contextmanager
def s3(data: Path) -> Iterator[ImageDriver]:
    with s3_server(data) as url:
        yield S3Driver(
            S3Options(
                url=url,
                bucket="images",
                access_key="testing",
                secret_key="testing",
                prefix="cumulo/",
                create_bucket=True,
                part_mib=5,
            )
        )


def swift(url: str, container: str) -> SwiftDriver:
    """With Swift's own tokens."""
    options = SwiftOptions(
        auth_url=f"{url}/auth/v1.0",
        user="test:tester",
        key="testing",
        auth_version=1,
        segment_mib=3,
        container=container,
    )
    return SwiftDriver(options)


def swift_keystone(cloud: ServedCloud, container: str) -> SwiftDriver:
    """With tokens of our own keystone API."""
    options = SwiftOptions(
        auth_url=cloud.auth_url,
        user="demo",
        key=cloud.password("demo"),
        project="demo",
        segment_mib=3,
        container=container,
    )
    return SwiftDriver(options)


def cinder(cloud: ServedCloud, **more: Any) -> CinderDriver:
    """In volumes of our own block storage, with its real files."""
    folders = [str(cloud.data / "fake" / "volumes")]
    known = {"user": "demo", "password": cloud.password("demo"), "folders": folders}
    return CinderDriver(
        CinderOptions(**{"auth_url": cloud.auth_url, "project": "demo", **known, **more})
    )


async def emptied(driver: CinderDriver) -> None:
    for volume in await driver.volumes.listed():
        await driver.volumes.remove(volume["id"])


KINDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[ImageDriver]]] = {
    "file": lambda data: contextlib.nullcontext(FileDriver(data / "images")),
    "fake": lambda data: contextlib.nullcontext(FakeDriver()),
    "s3": s3,
}
STORES = ("s3", "swift", "swift-keystone")
PARAMS = [
    *(
        pytest.param(name, marks=pytest.mark.stores) if name in STORES else name
        for name in (*KINDS, "cinder", "swift", "swift-keystone")
    ),
    pytest.param("rbd", marks=pytest.mark.ceph),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    data = tmp_path_factory.mktemp("cinder") / "cloud"
    with served_cloud(data, settings="[block_storage]\nfake_volumes = false") as cloud:
        yield cloud


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


@pytest.fixture(scope="module")
def swift_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with swift_server(tmp_path_factory.mktemp("swift")) as url:
        yield url


@pytest.fixture(scope="module")
def swift_cloud(
    tmp_path_factory: pytest.TempPathFactory, cloud: ServedCloud
) -> Iterator[ServedCloud]:
    with swift_server(tmp_path_factory.mktemp("swift-keystone"), cloud) as url:
        object_store(cloud, url)
        yield cloud


def opened(
    request: pytest.FixtureRequest, data: Path
) -> contextlib.AbstractContextManager[ImageDriver]:
    """A driver of an empty store."""
    kind, fixture = request.param, request.getfixturevalue
    container = f"images-{uuid.uuid4().hex}"
    if kind == "cinder":
        return contextlib.nullcontext(cinder(fixture("cloud")))
    if kind == "swift":
        return contextlib.nullcontext(swift(fixture("swift_url"), container))
    if kind == "swift-keystone":
        return contextlib.nullcontext(swift_keystone(fixture("swift_cloud"), container))
    if kind == "rbd":
        return contextlib.nullcontext(rbd(fixture("ceph")))
    return KINDS[kind](data)


@pytest.fixture(params=PARAMS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def play(story: Callable[[ImageDriver], Awaitable[None]]) -> None:
        with opened(request, tmp_path) as driver:

            async def main() -> None:
                if isinstance(driver, CinderDriver):
                    await emptied(driver)
                await story(driver)

            asyncio.run(main())

    return play


def rbd(cluster: Ceph, pool: str = "") -> RbdDriver:
    return RbdDriver(RbdOptions(pool=pool or cluster.pool(), ceph_conf=str(cluster.conf)))


class TestImageDriver:
    def test_what_is_written_is_read(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            got = await put(driver, "a", b"hello ", b"world")
            assert (got.size, got.found.format) == (11, "raw")
            assert got.sha512 == hashlib.sha512(b"hello world").hexdigest()
            assert got.md5 == hashlib.md5(b"hello world").hexdigest()
            assert await content(driver, "a") == b"hello world"
            reader = await driver.reader("a")
            assert await reader.read(6, 3) == b"wor"
            assert await reader.read(11, 3) == b""
            await reader.close()
            assert list(await driver.keys()) == ["a"]

        run(story)

    def test_nothing_is_there_before_keep(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            writer = driver.writer("a")
            await writer.write(b"x")
            await writer.finish()
            assert list(await driver.keys()) == []
            with pytest.raises(KeyError):
                await driver.reader("a")
            await writer.drop()
            await writer.drop()
            assert list(await driver.keys()) == []

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
            if driver.capabilities.local_files:
                assert await reader.read(0, 3) == b"one"
            await reader.close()

        run(story)

    def test_removing_twice(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            await put(driver, "a", b"one")
            await driver.remove("a")
            await driver.remove("a")
            assert list(await driver.keys()) == []

        run(story)

    @pytest.mark.parametrize("bad", ["", "../a", "a/b", ".new-a", "a" * 65])
    def test_an_id_is_no_path(self, run: Any, bad: str) -> None:
        async def story(driver: ImageDriver) -> None:
            with pytest.raises(ValueError):
                driver.writer(bad)
            with pytest.raises(ValueError):
                await driver.remove(bad)

        run(story)

    def test_where_it_is(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            await put(driver, "a", b"one")
            known = driver.capabilities
            assert driver.url("a").startswith(f"{known.scheme}://")
            # The URL of an RBD image is that of its snapshot.
            assert driver.url("a").removesuffix("/snap").endswith("a")
            assert (driver.path("a") is not None) == known.local_files
            reader = await driver.reader("a")
            assert reader.size == 3
            assert not known.read_only

        run(story)

    def test_large_and_read_from_anywhere(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            blocks = [bytes([i]) * 1_000_000 for i in range(1, 13)] + [bytes(1 << 20), b"end"]
            whole = b"".join(blocks)
            got = await put(driver, "a", *blocks)
            assert got.sha512 == hashlib.sha512(whole).hexdigest() and got.size == len(whole)
            reader = await driver.reader("a")
            for start, length in (
                (0, 10),
                (10, 3_000_000),
                (9_999_990, 20),
                (5, 5),
                (12_999_999, 99),
            ):
                found = b""
                while len(found) < length:
                    piece = await reader.read(start + len(found), length - len(found))
                    if not piece:
                        break
                    found += piece
                assert found == whole[start : start + length]
            await reader.close()
            await reader.close()

        run(story)

    def test_the_bytes_of_a_file(self, run: Any, tmp_path: Path) -> None:
        file = tmp_path / "given"
        file.write_bytes(b"abc" * 400_000)

        async def story(driver: ImageDriver) -> None:
            writer = driver.writer("a")
            with file.open("rb") as given:
                await writer.share(given.fileno())
                while block := given.read(1 << 20):
                    await writer.write(block)
            got = await writer.finish()
            await writer.keep()
            assert got.sha512 == hashlib.sha512(file.read_bytes()).hexdigest()
            reader = await driver.reader("a")
            assert reader.size == 1_200_000
            found = b""
            while block := await reader.read(len(found), 1 << 20):
                found += block
            await reader.close()
            assert found == file.read_bytes()

        run(story)

    def test_an_interrupted_upload_can_be_forgotten(self, run: Any) -> None:
        async def story(driver: ImageDriver) -> None:
            await put(driver, "whole", b"x" * 6_000_000)
            writer = driver.writer("half")
            for _ in range(7):
                await writer.write(b"y" * 1_000_000)
            # What it has made is lost as after a kill: nobody calls drop.
            if driver.capabilities.driver == "swift":
                await writer.finish()
            await driver.forget_unfinished()
            assert list(await driver.keys()) == ["whole"]
            assert await driver.forget_unfinished() == 0
            assert len(await content(driver, "whole")) == 1 << 20

        run(story)


def test_files_of_interrupted_uploads_go(tmp_path: Path) -> None:
    async def main() -> None:
        driver = FileDriver(tmp_path / "images")
        await put(driver, "whole", b"x")
        half = driver.writer("half")
        await half.write(b"y")
        half._close()  # as the end of its process does
        again = FileDriver(tmp_path / "images")
        assert await again.forget_unfinished() == 1
        assert [p.name for p in (tmp_path / "images").iterdir()] == ["whole"]

    asyncio.run(main())


@pytest.mark.ceph
def test_an_image_has_a_snapshot_for_clones(ceph: Ceph) -> None:
    pool = ceph.pool()

    async def main() -> None:
        driver = rbd(ceph, pool)
        await put(driver, "a", b"one")
        assert driver.url("a") == f"rbd://{ceph.fsid}/{pool}/a/snap"
        assert ceph.snapshots(pool, "a") == {"snap": True}
        image, clone = (f"--pool={pool}", "--image=a", "--snap=snap"), f"--dest-pool={pool}"
        ceph.run("rbd", "clone", *image, clone, "--dest=volume", "--rbd-default-clone-format=1")
        # Somebody's disk is made of it: nothing is lost, and the removal goes on later.
        with pytest.raises(OSError, match="unprotect"):
            await driver.remove("a")
        assert await content(driver, "a") == b"one"
        assert ceph.snapshots(pool, "a") == {"snap": True}
        ceph.run("rbd", "rm", "--no-progress", f"--pool={pool}", "--image=volume")
        await driver.remove("a")

    asyncio.run(main())
    assert ceph.images(pool) == []


@pytest.mark.ceph
def test_what_a_killed_process_left_of_an_rbd_image_goes(ceph: Ceph) -> None:
    pool = ceph.pool()
    left = [f".new-a-{'0' * 32}", f".old-a-{'1' * 32}", f".new-a-b-{'2' * 32}"]
    for name in left:
        ceph.run("rbd", "create", "--size=1M", f"--pool={pool}", f"--image={name}")
        ceph.run("rbd", "snap", "create", f"--pool={pool}", f"--image={name}", "--snap=snap")
        ceph.run("rbd", "snap", "protect", f"--pool={pool}", f"--image={name}", "--snap=snap")

    async def main() -> None:
        driver = rbd(ceph, pool)
        assert list(await driver.keys()) == []
        await put(driver, "a", b"one")
        assert ceph.images(pool) == [left[2], "a"]
        await driver.remove("a-b")
        assert ceph.images(pool) == ["a"]
        writer = driver.writer("a")
        await writer.write(b"two")
        await writer.drop()
        assert ceph.images(pool) == ["a"]
        assert await content(driver, "a") == b"one"

    asyncio.run(main())


@pytest.mark.ceph
def test_a_ceph_that_does_not_know_us(ceph: Ceph) -> None:
    options = RbdOptions(pool="nothing", ceph_conf=str(ceph.conf))

    async def main() -> None:
        for driver in (RbdDriver(options), rbd_as(ceph, "stranger")):
            with pytest.raises(OSError, match="rbd"):
                await driver.keys()
            writer = driver.writer("a")
            with pytest.raises(OSError, match="rbd"):
                await put(driver, "a", b"x")
            await writer.drop()

    asyncio.run(main())


def rbd_as(cluster: Ceph, user: str) -> RbdDriver:
    return RbdDriver(RbdOptions(pool="images", user=user, ceph_conf=str(cluster.conf)))


@pytest.mark.parametrize(
    "options",
    [
        {"pool": "--help"},
        {"pool": "a/b"},
        {"user": "-x"},
        {"chunk_mib": 7},
        {"ceph_conf": "/nonexistent/ceph.conf"},
    ],
)
def test_rbd_options_that_make_no_sense(tmp_path: Path, options: dict[str, Any]) -> None:
    conf = tmp_path / "ceph.conf"
    conf.write_text("[global]\n  fsid = 12345678-1234-1234-1234-123456789012\n")
    guard = Guard()
    given = {"ceph_conf": str(conf), **options}
    with pytest.raises(ValueError, match=r"pool|chunk_mib|ceph_conf"):
        open_driver("rbd", given, tmp_path, guard)
    assert open_driver("rbd", {"ceph_conf": str(conf)}, tmp_path, guard).url("a") == (
        "rbd://12345678-1234-1234-1234-123456789012/images/a/snap"
    )
    conf.write_text("[global]\n")
    with pytest.raises(ValueError, match="fsid"):
        open_driver("rbd", {"ceph_conf": str(conf)}, tmp_path, guard)
