"""What every block storage driver must do: the same tests for files and for simulated volumes."""

import asyncio
import os
import subprocess
import uuid
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from cumulo.block_storage.drivers.driver import (
    BlockStorageDriver,
    StaleOrder,
    VolumeFault,
    VolumeSource,
    VolumeSpec,
)
from cumulo.block_storage.drivers.fake import FakeDriver, Fault
from cumulo.block_storage.drivers.file import FileDriver, reflink

KINDS = {"file": FileDriver, "fake": FakeDriver}


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make(kind: str, data: Path) -> BlockStorageDriver:
    driver: BlockStorageDriver = KINDS[kind](data)
    return driver


def spec(generation: int = 1, size_gb: int = 1, **changes: Any) -> VolumeSpec:
    values = {"id": "volume-a", "generation": generation, "size_gb": size_gb}
    return VolumeSpec(**(values | changes))


class TestDriver:
    @pytest.mark.parametrize("form", ["qcow2", "raw"])
    def test_a_volume_is_made_once(self, kind: str, tmp_path: Path, form: Any) -> None:
        async def body() -> None:
            driver = make(kind, tmp_path)
            first = await driver.ensure_volume(spec(format=form))
            assert (first.size_gb, first.fault, first.generation) == (1, None, 1)
            assert await driver.ensure_volume(spec(format=form)) == first
            assert await driver.list() == [first]
            assert await driver.connection("volume-a") == {
                "driver": "file",
                "name": f"volumes/volume-a.{form}",
                "format": form,
            }
            assert driver.path("volume-a") == (first.path, form)
            assert driver.path("another") is None
            # A restart of the control plane changes nothing.
            assert await make(kind, tmp_path).list() == [first]

        asyncio.run(body())

    def test_another_content_takes_the_place_of_the_first(self, kind: str, tmp_path: Path) -> None:
        async def body() -> None:
            driver = make(kind, tmp_path)
            image = tmp_path / "other.raw"
            image.write_bytes(b"other" * 1000)
            await driver.ensure_volume(spec(1))
            assert driver.content("volume-a") == 0
            wanted = {"source": VolumeSource(str(image), "raw"), "content": 1}
            state = await driver.ensure_volume(spec(2, **wanted))
            assert (state.fault, state.size_gb, driver.content("volume-a")) == (None, 1, 1)
            if kind == "file":
                argv = ["qemu-img", "compare", "-f", "qcow2", "-F", "raw", str(state.path)]
                subprocess.run([*argv, str(image)], check=True, capture_output=True)
                before = Path(str(state.path)).stat().st_ino
                again = await make(kind, tmp_path).ensure_volume(spec(3, content=1))
                assert Path(str(again.path)).stat().st_ino == before, "once is enough"
            await driver.remove("volume-a")
            assert driver.content("volume-a") == 0

        asyncio.run(body())

    def test_a_volume_grows_and_never_shrinks(self, kind: str, tmp_path: Path) -> None:
        async def body() -> None:
            driver = make(kind, tmp_path)
            await driver.ensure_volume(spec(1, 1))
            assert (await driver.ensure_volume(spec(2, 3))).size_gb == 3
            assert (await driver.ensure_volume(spec(3, 2))).size_gb == 3

        asyncio.run(body())

    def test_an_older_order_is_refused(self, kind: str, tmp_path: Path) -> None:
        async def body() -> None:
            await make(kind, tmp_path).ensure_volume(spec(5))
            with pytest.raises(StaleOrder):
                await make(kind, tmp_path).ensure_volume(spec(4))

        asyncio.run(body())

    def test_removal_is_repeatable(self, kind: str, tmp_path: Path) -> None:
        async def body() -> None:
            driver = make(kind, tmp_path)
            await driver.ensure_volume(spec(5))
            await driver.remove("volume-a")
            await driver.remove("volume-a")
            assert await driver.list() == []
            with pytest.raises(KeyError):
                await driver.connection("volume-a")
            assert (await driver.ensure_volume(spec(1))).fault is None

        asyncio.run(body())

    @pytest.mark.parametrize("bad", ["../x", "", "a/b", ".new-a", "a.raw", "x" * 65])
    def test_an_id_is_an_id(self, kind: str, tmp_path: Path, bad: str) -> None:
        async def body() -> None:
            driver = make(kind, tmp_path)
            for call in (driver.ensure_volume(spec(id=bad)), driver.remove(bad)):
                with pytest.raises(ValueError, match="not an id"):
                    await call

        asyncio.run(body())

    @pytest.mark.parametrize("form", ["qcow2", "raw", "vmdk", "vdi"])
    def test_it_is_copied_out(self, kind: str, tmp_path: Path, form: Any) -> None:
        async def body() -> None:
            driver = make(kind, tmp_path)
            image = tmp_path / "some.raw"
            image.write_bytes(b"bytes of it" * 1000)
            await driver.ensure_volume(spec(source=VolumeSource(str(image), "raw")))
            target = tmp_path / "copy"
            for _ in range(2):  # done twice it is made anew
                await driver.copy_out("volume-a", target, form)
            assert target.stat().st_size
            if kind == "file":
                found = driver.path("volume-a")
                assert found is not None
                argv = ["qemu-img", "compare", "-f", found[1], "-F", form, found[0], str(target)]
                subprocess.run(argv, check=True, capture_output=True)
            with pytest.raises(VolumeFault):
                await driver.copy_out("another", tmp_path / "nothing", form)
            assert not (tmp_path / "nothing").exists()

        asyncio.run(body())

    def test_capabilities_count_the_space(self, kind: str, tmp_path: Path) -> None:
        found = asyncio.run(make(kind, tmp_path).capabilities())
        assert found.driver == kind
        assert 0 < found.free_gb <= found.total_gb
        assert set(found.formats) == {"qcow2", "raw"}


class TestFile:
    def source(self, tmp_path: Path) -> VolumeSource:
        raw, image = tmp_path / "image.raw", tmp_path / "image.qcow2"
        raw.write_bytes(b"cumulo" * 100_000)
        argv = ["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", str(raw), str(image)]
        subprocess.run(argv, check=True)
        return VolumeSource(str(image), "qcow2")

    @pytest.mark.parametrize("form", ["qcow2", "raw"])
    def test_a_volume_from_an_image_stands_alone(self, tmp_path: Path, form: Any) -> None:
        async def body() -> None:
            source = self.source(tmp_path)
            state = await FileDriver(tmp_path).ensure_volume(
                spec(size_gb=2, format=form, source=source)
            )
            assert (state.size_gb, state.fault) == (2, None)
            await asyncio.to_thread(Path(source.path).unlink)
            assert state.path is not None
            out = tmp_path / "out.raw"
            argv = ["qemu-img", "convert", "-f", form, "-O", "raw", state.path, str(out)]
            await asyncio.to_thread(subprocess.run, argv, check=True)
            with out.open("rb") as file:
                assert file.read(600_000) == b"cumulo" * 100_000

        asyncio.run(body())

    def test_a_source_that_is_too_large_leaves_nothing(self, tmp_path: Path) -> None:
        with (tmp_path / "big.raw").open("wb") as file:
            file.truncate(2 * 1024**3)
        source = VolumeSource(str(tmp_path / "big.raw"), "raw")
        state = asyncio.run(FileDriver(tmp_path).ensure_volume(spec(source=source)))
        assert state.fault == "the source needs 2.00 GiB, the volume has 1 GiB"
        assert state.path is None
        assert [path.name for path in (tmp_path / "volumes").iterdir()] == ["volume-a.json"]

    @pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system: needs root")
    def test_a_full_disk_leaves_nothing(self, tmp_path: Path) -> None:
        small = Path("/dev/shm") / f"cumulo-{uuid.uuid4().hex[:8]}"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", small], check=True)
        try:
            source = tmp_path / "random.raw"
            source.write_bytes(b"\x5a" * (40 * 1024**2))
            driver = FileDriver(small)
            order = spec(source=VolumeSource(str(source), "raw"), format="qcow2")
            state = asyncio.run(driver.ensure_volume(order))
            assert state.fault is not None
            assert state.fault.startswith("no space")
            assert state.path is None
            assert asyncio.run(driver.list()) == []
        finally:
            subprocess.run(["umount", small], check=True)
            small.rmdir()

    def test_a_copy_cut_short_is_begun_again(self, tmp_path: Path) -> None:
        driver = FileDriver(tmp_path)
        (tmp_path / "volumes" / ".new-volume-a.qcow2").write_bytes(b"half a file")
        assert asyncio.run(driver.list()) == []
        assert asyncio.run(driver.ensure_volume(spec())).fault is None
        names = sorted(path.name for path in (tmp_path / "volumes").iterdir())
        assert names == ["volume-a.json", "volume-a.qcow2"]


class TestFake:
    def test_faults_and_capacity(self) -> None:
        async def body() -> None:
            driver = FakeDriver(total_gb=10, faults={"make": Fault("controller on fire", 1)})
            failed = await driver.ensure_volume(spec())
            assert (failed.fault, failed.path) == ("controller on fire", None)
            assert (await driver.ensure_volume(spec())).fault is None
            full = await driver.ensure_volume(spec(id="b", size_gb=10))
            assert full.fault == "no space: 10 GB are needed, 9 are free"
            assert (await driver.capabilities()).free_gb == 9

        asyncio.run(body())

    def test_other_bytes_come_in(self, kind: str, tmp_path: Path) -> None:
        async def body() -> None:
            driver = make(kind, tmp_path)
            await driver.ensure_volume(spec(size_gb=2))
            source = tmp_path / "bytes"
            source.write_bytes(b"other bytes " * 1024)
            for _ in range(2):  # done twice it is done once
                await driver.copy_in("volume-a", source)
            [state] = await driver.list()
            assert state.size_gb == 2
            if kind == "file":
                found = driver.path("volume-a")
                assert found is not None
                out = tmp_path / "out"
                await driver.copy_out("volume-a", out, "raw")
                assert out.stat().st_size == 2 * 1024**3
                with out.open("rb") as file:
                    assert file.read(12 * 1024 + 4) == b"other bytes " * 1024 + b"\0\0\0\0"
                with source.open("wb") as file:
                    file.truncate(3 * 1024**3)
                with pytest.raises(VolumeFault, match="do not fit"):
                    await driver.copy_in("volume-a", source)
                assert driver.path("volume-a") == found
            with pytest.raises(VolumeFault):
                await driver.copy_in("another", source)
            with pytest.raises(VolumeFault):
                await driver.copy_in("volume-a", tmp_path / "nothing")

        asyncio.run(body())

    def test_what_a_guest_has_open_is_not_read_by_a_tool(self, kind: str, tmp_path: Path) -> None:
        """It is copied by blocks that are shared, or not at all."""
        if kind != "file":
            return

        async def body() -> None:
            driver = make(kind, tmp_path)
            await driver.ensure_volume(spec())
            found = driver.path("volume-a")
            assert found is not None
            guest = subprocess.Popen(
                ["qemu-io", "-f", found[1], found[0]], stdin=PIPE, stdout=PIPE, bufsize=0
            )
            try:
                assert guest.stdin is not None and guest.stdout is not None
                guest.stdin.write(b"write -P 1 0 64k\n")
                while b"ops" not in guest.stdout.readline():
                    pass
                source = VolumeSource(found[0], found[1])
                made = await driver.ensure_volume(spec(id="volume-b", source=source))
                with suppress(VolumeFault):
                    await driver.copy_out("volume-a", tmp_path / "copy", "raw")
            finally:
                guest.communicate(b"quit\n", timeout=10)
            shares = reflink(Path(found[0]), tmp_path / "shared")
            assert made.fault == (
                None
                if shares
                else "a guest has it open, and this file system cannot share its blocks"
            )
            assert driver.has("volume-b") is shares
            await driver.copy_out("volume-a", tmp_path / "copy", "raw")

        asyncio.run(body())
