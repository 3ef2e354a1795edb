"""`kill -9` at every named point of an image's life: staged, imported into two stores, copied to a
third one, downloaded from the web, deleted. Nothing may be stuck, nothing left."""

import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

SHARDS = 3
LEAST_POINTS = 25
CONTENT = b"disk" * 700_000
SETTINGS = """
[outbound]
allowed_networks = ["127.0.0.1/32"]
[image.web_download]
allowed_ports = [{port}]
[image.stores.file]
type = "file"
[image.stores.second]
type = "file"
path = "{folder}/second"
[image.stores.third]
type = "file"
path = "{folder}/third"
"""
FOLDERS = ("images", "second", "third", "image-staging", "image-cache")


@contextlib.contextmanager
def web() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(CONTENT)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class ImageWalk:
    def __init__(self, plane: ControlPlane, port: int) -> None:
        self.plane = plane
        self.port = port

    def steps(self) -> list[Callable[[], None]]:
        return [
            partial(self.create, "staged"),
            self.stage,
            self.start_import,
            partial(self.active, "staged", "file,second"),
            self.copy,
            self.drop_copy,
            partial(self.create, "web"),
            self.download,
            partial(self.active, "web", "file"),
            partial(self.create, "plain"),
            self.upload,
            partial(self.delete, "staged"),
            partial(self.delete, "web"),
            partial(self.delete, "plain"),
            self.settled,
        ]

    def find(self, name: str) -> Any:
        found = self.plane.ask("GET", f"/image/v2/images?name={name}")["images"]
        return found[0] if found else None

    def until(self, test: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not test():
            self.plane.check()
            assert time.monotonic() < end, what
            time.sleep(0.02)

    def create(self, name: str) -> None:
        if self.find(name) is None:
            body = {"name": name, "disk_format": "raw", "container_format": "bare"}
            self.plane.ask("POST", "/image/v2/images", body)

    def again(self, name: str, status: str, method: str, path: str, body: Any) -> None:
        """Send while the image has this status: what an interrupted request left is taken back
        first, and its bytes are removed."""

        def sent() -> bool:
            image = self.find(name)
            if image["status"] != status:
                return bool(image["status"] != "saving")
            answer = self.plane.send(method, f"/image/v2/images/{image['id']}/{path}", body)
            assert answer[0] in (202, 204, 409), answer
            return answer[0] != 409

        self.until(sent, f"{name} cannot be sent: {path}")

    def stage(self) -> None:
        self.until(lambda: self._staged(), "never staged")

    def _staged(self) -> bool:
        image = self.find("staged")
        if image["status"] == "queued":
            path = f"/image/v2/images/{image['id']}/stage"
            status, _, found = self.plane.send("PUT", path, CONTENT)
            assert status in (204, 409), found
        return bool(image["status"] not in ("queued",) and image["size"] is not None)

    def start_import(self) -> None:
        wish = {"method": {"name": "glance-direct"}, "stores": ["file", "second"]}
        self.again("staged", "uploading", "POST", "import", wish)

    def active(self, name: str, stores: str) -> None:
        def done() -> bool:
            image = self.find(name)
            idle = "os_glance_import_task" not in image
            return bool(image["status"] == "active" and image["stores"] == stores and idle)

        self.until(done, f"{name} is not active: {self.find(name)}")
        found = self.plane.ask("GET", f"/image/v2/images/{self.find(name)['id']}/file")
        assert hashlib.sha256(found).digest() == hashlib.sha256(CONTENT).digest()

    def copy(self) -> None:
        body = {"method": {"name": "copy-image"}, "stores": ["third"]}

        def begun() -> bool:
            image = self.find("staged")
            if "third" in image["stores"] or "os_glance_import_task" in image:
                return True
            path = f"/image/v2/images/{image['id']}/import"
            status, _, found = self.plane.send("POST", path, body, "admin")
            assert status in (202, 409), found
            return status == 202

        self.until(begun, "never copied")
        self.active("staged", "file,second,third")

    def drop_copy(self) -> None:
        path = f"/image/v2/stores/second/{self.find('staged')['id']}"
        self.plane.ask("DELETE", path, user="admin", ok=(404,))
        self.active("staged", "file,third")

    def download(self) -> None:
        uri = f"http://127.0.0.1:{self.port}/disk"
        wish = {"method": {"name": "web-download", "uri": uri}}
        self.again("web", "queued", "POST", "import", wish)

    def upload(self) -> None:
        self.again("plain", "queued", "PUT", "file", CONTENT)
        self.active("plain", "file")

    def delete(self, name: str) -> None:
        image = self.find(name)
        if image is not None:
            self.plane.ask("DELETE", f"/image/v2/images/{image['id']}", ok=(404,))

    def settled(self) -> None:
        data = self.plane.data_dir
        self.until(lambda: removals(data) == 0, "bytes are not removed")


def removals(data: Path) -> int:
    with contextlib.closing(sqlite3.connect(data / "cumulo.db")) as found:
        return int(found.execute("SELECT count(*) FROM image_removals").fetchone()[0])


def state(data: Path) -> dict[str, Any]:
    rows = {k: v for k, v in leaks.counts(data).items() if k != "image_tasks"}
    return {
        "rows": rows,
        "quota": leaks.used_quota(data),
        "files": leaks.files(data, *FOLDERS),
    }


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with web() as found:
        yield found


def new_plane(folder: Path, port: int) -> ControlPlane:
    return ControlPlane(
        folder / "data", settings=SETTINGS.format(port=port, folder=folder / "data")
    )


@pytest.fixture(scope="module")
def undisturbed(
    port: int, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    log = folder / "points"
    plane = new_plane(folder, port)
    plane.start(points=log)
    # First-run content passes the same points of an upload; only the walk's own count.
    before = len(log.read_text().splitlines())
    try:
        for step in ImageWalk(plane, port).steps():
            step()
    finally:
        plane.stop()
    points = dict.fromkeys(log.read_text().splitlines()[before:])
    mine = [point for point in points if "image" in point or "upload" in point or "task" in point]
    leaks.settle(plane)
    return mine, state(folder / "data")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_converges(
    shard: int, port: int, undisturbed: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    points, left = undisturbed
    assert len(points) >= LEAST_POINTS
    plane = new_plane(tmp_path, port)
    try:
        mine = points[shard::SHARDS]
        reached = run_walk(plane, mine, lambda plane: ImageWalk(plane, port).steps())
    finally:
        plane.stop()
    assert len(reached) >= len(points[shard::SHARDS]) - 2, sorted(set(points) - set(reached))
    leaks.settle(plane)
    found = state(tmp_path / "data")
    assert found["files"] == left["files"]
    assert found["quota"] == left["quota"]
    rows = {k: (v, left["rows"][k]) for k, v in found["rows"].items() if v != left["rows"].get(k)}
    assert not rows
