"""A cloud whose images are volumes of its own block storage: what users see, what is left when
something fails, and which files are opened."""

import asyncio
import contextlib
import hashlib
import http.client
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.image.drivers.cinder import GIB, CinderDriver, CinderOptions, CinderReader
from cumulo.image.drivers.nbd import allowed, open_disk
from tests.crash.control_plane import ControlPlane

VOLUMES = "/volume/v3"
IMAGES = "/image/v2/images"
CONTENT = bytes(range(256)) * 8000
STORE = """
[image.stores.{name}]
type = "cinder"
auth_url = "http://127.0.0.1:{port}/identity/v3"
user = "demo"
password = "{password}"
project = "demo"
folders = ["{folder}"]
patience = 20
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """It is started twice: the password of the stores' user comes from the first start."""
    data = tmp_path_factory.mktemp("cloud")
    settings = '[block_storage]\nfake_volumes = false\n[image.stores.file]\ntype = "file"\n'
    plane = ControlPlane(data, settings=settings)
    plane.start()
    try:
        plane.ask("GET", f"{VOLUMES}/volumes")
        plane.stop()
        known = {"port": plane.port, "folder": data / "fake" / "volumes"}
        password = (data / "secrets" / "demo-password").read_text().strip()
        with (data / "cumulo.toml").open("a") as file:
            file.write(STORE.format(name="volumes", password=password, **known))
            file.write(STORE.format(name="wrong", password="wrong", **known))
            elsewhere = {**known, "folder": data / "elsewhere"}
            file.write(STORE.format(name="elsewhere", password=password, **elsewhere))
        plane.start()
        yield plane
    finally:
        plane.stop()


def driver(plane: ControlPlane, **more: Any) -> CinderDriver:
    known = {
        "auth_url": f"http://127.0.0.1:{plane.port}/identity/v3",
        "user": "demo",
        "password": (plane.data_dir / "secrets" / "demo-password").read_text().strip(),
        "project": "demo",
        "folders": [str(plane.data_dir / "fake" / "volumes")],
    }
    return CinderDriver(CinderOptions(**{**known, **more}))


def make(plane: ControlPlane, disk_format: str = "raw") -> str:
    wish = {"name": "x", "disk_format": disk_format, "container_format": "bare"}
    return str(plane.ask("POST", IMAGES, wish)["id"])


def upload(
    plane: ControlPlane, image_id: str, store: str, body: bytes = CONTENT
) -> tuple[int, str]:
    return request(plane, "PUT", f"{IMAGES}/{image_id}/file", body, {"X-Image-Meta-Store": store})


def request(
    plane: ControlPlane, method: str, path: str, body: Any, headers: dict[str, str]
) -> tuple[int, Any]:
    plane.ask("GET", IMAGES)  # there is a token
    named = {
        "X-Auth-Token": plane._tokens["demo"],
        "Content-Type": "application/octet-stream",
        **headers,
    }
    connection = http.client.HTTPConnection("127.0.0.1", plane.port, timeout=60)
    try:
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def volumes(plane: ControlPlane) -> list[dict[str, Any]]:
    return list(plane.ask("GET", f"{VOLUMES}/volumes/detail")["volumes"])


def until(check: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it has not come to pass"
        time.sleep(0.1)


def test_an_image_lives_in_a_volume(plane: ControlPlane) -> None:
    image = make(plane)
    assert upload(plane, image, "volumes")[0] == 204
    seen = plane.ask("GET", f"{IMAGES}/{image}")
    assert (seen["status"], seen["size"], seen["stores"]) == ("active", len(CONTENT), "volumes")
    assert seen["os_hash_value"] == hashlib.sha512(CONTENT).hexdigest()
    # The cache may be reading it.
    until(lambda: volumes(plane)[0]["status"] == "available")
    (volume,) = volumes(plane)
    assert (volume["name"], volume["size"]) == (f"image-{image}", 1)
    marks = volume["metadata"]
    assert (marks["glance_image_id"], marks["image_size"]) == (image, str(len(CONTENT)))
    assert marks["readonly"] == "True"
    assert request(plane, "GET", f"{IMAGES}/{image}/file", None, {}) == (200, CONTENT)
    part = request(plane, "GET", f"{IMAGES}/{image}/file", None, {"Range": "bytes=5000-5009"})
    assert part == (206, CONTENT[5000:5010])
    until(lambda: volumes(plane)[0]["status"] == "available")
    plane.ask("DELETE", f"{IMAGES}/{image}")
    until(lambda: not volumes(plane))
    assert not list((plane.data_dir / "fake" / "volumes" / "volumes").glob("*.qcow2"))


def test_no_access_no_room_no_folder_leave_a_queued_image(plane: ControlPlane) -> None:
    def refused(store: str, words: str) -> None:
        image = make(plane)
        status, text = upload(plane, image, store)
        assert status == 503 and words in str(text), text
        assert plane.ask("GET", f"{IMAGES}/{image}")["status"] == "queued"
        assert volumes(plane) == []
        plane.ask("DELETE", f"{IMAGES}/{image}")

    refused("wrong", "401")
    refused("elsewhere", "not below a folder")
    project = plane.ask("GET", f"{VOLUMES}/limits")
    assert project["limits"]["absolute"]["maxTotalVolumes"] != 0
    mine = plane.ask("GET", "/identity/v3/auth/projects")["projects"][0]["id"]
    quotas = f"{VOLUMES}/os-quota-sets/{mine}"
    plane.ask("PUT", quotas, {"quota_set": {"volumes": 0}}, user="admin")
    try:
        refused("volumes", "VolumeLimitExceeded")
    finally:
        plane.ask("DELETE", quotas, user="admin")


def test_a_killed_upload_leaves_no_volume(plane: ControlPlane) -> None:
    image = make(plane)
    plane.ask("GET", IMAGES)
    connection = http.client.HTTPConnection("127.0.0.1", plane.port, timeout=30)
    connection.putrequest("PUT", f"{IMAGES}/{image}/file")
    for name, value in {
        "X-Auth-Token": plane._tokens["demo"],
        "X-Image-Meta-Store": "volumes",
        "Content-Type": "application/octet-stream",
        "Content-Length": "20000000",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b"y" * 5_000_000)
    until(lambda: [each["status"] for each in volumes(plane)] == ["in-use"])
    plane.kill()
    connection.close()
    plane.start()
    until(lambda: plane.ask("GET", f"{IMAGES}/{image}")["status"] == "queued")
    until(lambda: not volumes(plane))
    # 409 until the removal has been noted.
    until(lambda: upload(plane, image, "volumes")[0] == 204)
    assert request(plane, "GET", f"{IMAGES}/{image}/file", None, {}) == (200, CONTENT)
    plane.ask("DELETE", f"{IMAGES}/{image}")
    until(lambda: not volumes(plane))


def test_volumes_grow_while_bytes_come(plane: ControlPlane) -> None:
    async def main() -> None:
        store = driver(plane)
        writer, block = store.writer("large"), bytes(64 << 20)
        await writer.write(b"begin".ljust(1 << 20, b"\0"))
        for _ in range(GIB // len(block)):
            await writer.write(block)
        await writer.write(b"end")
        received = await writer.finish()
        await writer.keep()
        (volume,) = await store.volumes.listed("large")
        assert volume["size"] == 2 and volume["status"] == "available"
        reader = await store.reader("large")
        assert reader.size == received.size == GIB + (1 << 20) + 3
        assert await reader.read(GIB + (1 << 20), 100) == b"end"
        assert await reader.read(0, 7) == b"begin\0\0"
        # Read by two at once, and by a process that was killed and left its attachment.
        other = await store.reader("large")
        assert await other.read(0, 5) == b"begin"
        await other.close()
        later = await driver(plane).reader("large")
        assert await later.read(0, 5) == b"begin"
        with pytest.raises(OSError, match="is being read"):
            await store.remove("large")
        await reader.close()
        await later.close()
        # Removed as soon as nobody read it.
        assert await store.volumes.listed() == []

    asyncio.run(main())


def test_a_client_that_leaves_early_leaves_no_attachment(plane: ControlPlane) -> None:
    """Whoever has all bytes hangs up at once: the request is cancelled while it cleans up."""

    async def main() -> None:
        store = driver(plane)
        writer = store.writer("left")
        await writer.write(b"x" * 5000)
        await writer.finish()
        await writer.keep()
        (volume,) = await store.volumes.listed("left")
        for waits in (0, 1, 3, 10, 30):
            for step in ("read", "close"):
                reader = await store.reader("left")
                if step == "close":
                    assert await reader.read(0, 1) == b"x"
                work = reader.read(0, 1) if step == "read" else reader.close()
                task = asyncio.ensure_future(work)
                for _ in range(waits):
                    await asyncio.sleep(0.001)
                task.cancel()
                await asyncio.wait({task})
                await reader.close()
                there = await store.volumes.ask("GET", f"/attachments?volume_id={volume['id']}")
                assert there["attachments"] == [], (waits, step)
        await store.remove("left")

    asyncio.run(main())


def test_only_files_below_the_folders_are_opened(tmp_path: Path) -> None:
    folder = tmp_path / "volumes"
    folder.mkdir()
    (folder / "a").write_bytes(b"a")
    (tmp_path / "secret").write_bytes(b"s")
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    assert allowed(str(folder / "a"), [str(folder)]) == (folder / "a").resolve()
    for bad in ("link", "../secret", "pipe", "missing", "../volumes2/a", "."):
        with pytest.raises(OSError):
            allowed(str(folder / bad), [str(folder)])


def test_a_qcow2_file_that_names_another_one_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret".ljust(1 << 20))

    def made(name: str, *more: str) -> Path:
        path = tmp_path / name
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", *more, str(path), "1M"]
        subprocess.run(argv, check=True, capture_output=True)
        return path

    backed = made("backed", "-b", str(tmp_path / "secret"), "-F", "raw")
    outside = made("outside", "-o", f"data_file={tmp_path / 'data'},data_file_raw=on")
    plain = made("plain")

    async def main() -> None:
        for path in (backed, outside):
            with pytest.raises(OSError, match="refers to"):
                await open_disk(path, "qcow2", read_only=True)
        with pytest.raises(OSError, match="cannot be opened"):
            await open_disk(plain, "vmdk", read_only=True)
        disk = await open_disk(plain, "qcow2", read_only=False)
        await disk.write(10, b"mine")
        with pytest.raises(OSError, match="lock"):
            await open_disk(plain, "qcow2", read_only=False)
        await disk.close()
        again = await open_disk(plain, "qcow2", read_only=True)
        assert await again.read(9, 6) == b"\0mine\0"
        with pytest.raises(OSError):
            await again.write(0, b"no")
        assert tools() - before, "it is at work"
        for pid in tools() - before:
            status = (Path("/proc") / pid / "status").read_text()
            assert "CapEff:\t0000000000000000" in status, "without rights"
            for kind in ("mnt", "net", "pid"):
                own = Path(f"/proc/self/ns/{kind}").readlink()
                assert (Path("/proc") / pid / "ns" / kind).readlink() != own
        await again.close()
        assert plain.stat().st_uid == os.geteuid()

    before = tools()
    asyncio.run(main())


def tools() -> set[str]:
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                if (process / "comm").read_text() == "qemu-nbd\n":
                    found.add(process.name)
    return found


def test_a_reader_who_comes_while_the_last_one_leaves(tmp_path: Path) -> None:
    """It attaches the volume again, and gives it back."""

    class Volumes:
        attached: list[str] = []
        leaving, leave = asyncio.Event(), asyncio.Event()

        async def let_go(self, volume_id: str) -> None:
            assert not self.attached

        async def available(self, volume_id: str) -> None:
            assert not self.attached

        async def detach(self, attachment_id: str) -> None:
            self.leaving.set()
            await self.leave.wait()
            self.attached.remove(attachment_id)

    class Bytes:
        async def read(self, offset: int, length: int) -> bytes:
            return b"x" * length

        async def close(self) -> None:
            await asyncio.sleep(0)

    class Store(CinderDriver):
        async def open(self, volume_id: str, *, read_only: bool) -> tuple[str, Any]:
            self.volumes.attached.append(volume_id)  # type: ignore[attr-defined]
            return volume_id, Bytes()

    async def main() -> None:
        options = {"auth_url": "http://127.0.0.1:1/v3", "user": "u", "password": "p"}
        store = Store(CinderOptions(**options, project="p", folders=[str(tmp_path)]))
        volumes: Any = Volumes()
        store.volumes = volumes
        first, second = CinderReader(store, "v", 9), CinderReader(store, "v", 9)
        assert await first.read(0, 3) == b"xxx"
        last = asyncio.create_task(first.close())
        await volumes.leaving.wait()
        next_ = asyncio.create_task(second.read(0, 4))
        await asyncio.sleep(0)
        volumes.leave.set()
        await last
        assert await next_ == b"xxxx" and volumes.attached == ["v"]
        await second.close()
        assert volumes.attached == []

    asyncio.run(main())
