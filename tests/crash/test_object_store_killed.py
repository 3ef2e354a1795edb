"""`kill -9` at every named point of an object's life, between its file and its row among them: put,
replaced, copied, a large object, a multipart upload, expired, deleted. What was acknowledged is
there and whole, nothing else is, and no byte is left on the disk at the end."""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

SHARDS = 2
LEAST_POINTS = 20
ONE, TWO = b"one" * 30_000, b"two" * 400_000
PART = b"part" * (5 * 1024 * 256)


class ObjectWalk:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.keys: tuple[str, str] | None = None

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.container,
            partial(self.put, "a", ONE),
            partial(self.put, "a", TWO),
            self.quiet,
            self.copy,
            self.large,
            self.multipart,
            self.expiring,
            self.quiet,
            partial(self.delete, "a"),
            partial(self.there, "copy", TWO),
            partial(self.there, "large", TWO + TWO[:10]),
            partial(self.there, "parts", PART + ONE),
            partial(self.delete, "large"),
            partial(self.delete, "copy"),
            partial(self.delete, "parts"),
            self.settled,
        ]

    @property
    def account(self) -> str:
        return f"/object-store/v1/AUTH_{self.project()}"

    def project(self) -> str:
        with contextlib.closing(sqlite3.connect(self.plane.data_dir / "cumulo.db")) as found:
            query = "SELECT id FROM identity_projects WHERE name = 'demo'"
            return str(found.execute(query).fetchone()[0])

    def container(self) -> None:
        self.plane.ask("PUT", f"{self.account}/c")

    def put(self, name: str, content: bytes) -> None:
        self.plane.ask("PUT", f"{self.account}/c/{name}", content)
        self.there(name, content)

    def there(self, name: str, content: bytes) -> None:
        status, headers, found = self.plane.send("GET", f"{self.account}/c/{name}")
        assert status == 200
        assert hashlib.sha256(found).digest() == hashlib.sha256(content).digest()
        if "-" not in headers["etag"] and '"' not in headers["etag"]:
            assert headers["etag"] == hashlib.md5(content).hexdigest()

    def copy(self) -> None:
        path = f"{self.account}/c/copy?multipart-manifest=get"
        self.s3("copy_object", Bucket="c", Key="copy", CopySource="c/a")
        assert self.plane.send("HEAD", path)[0] == 200
        self.there("copy", TWO)

    def large(self) -> None:
        manifest = b'[{"path": "/c/copy"}, {"path": "/c/copy", "range": "0-9"}]'
        self.plane.ask("PUT", f"{self.account}/c/large?multipart-manifest=put", manifest)
        self.there("large", TWO + TWO[:10])

    def multipart(self) -> None:
        """Uploads of earlier lives are ended first: nobody else knows of them."""
        found = self.s3("list_multipart_uploads", Bucket="c").get("Uploads", [])
        for each in found:
            name = {"Bucket": "c", "Key": each["Key"], "UploadId": each["UploadId"]}
            self.s3("abort_multipart_upload", **name)
        upload = self.s3("create_multipart_upload", Bucket="c", Key="parts")["UploadId"]
        name = {"Bucket": "c", "Key": "parts", "UploadId": upload}
        parts = []
        for number, body in ((1, PART), (2, ONE), (3, TWO)):
            etag = self.s3("upload_part", **name, PartNumber=number, Body=body)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
        wish = {"Parts": parts[:2]}
        self.s3("complete_multipart_upload", **name, MultipartUpload=wish)
        self.there("parts", PART + ONE)

    def expiring(self) -> None:
        path = f"{self.account}/c/short"
        self.s3("put_object", Bucket="c", Key="short", Body=ONE)
        status, _, _ = self.post(path, {"X-Delete-After": "1"})
        assert status == 202
        self.until(lambda: self.plane.send("GET", path)[0] == 404, "it does not expire")

    def post(self, path: str, headers: dict[str, str]) -> tuple[int, Any, Any]:
        """With headers, which the control plane's own `send` has not."""
        from http.client import HTTPConnection, HTTPException

        connection = HTTPConnection("127.0.0.1", self.plane.port, timeout=30)
        token = self.plane._token("demo")
        try:
            connection.request("POST", path, headers={**headers, "X-Auth-Token": token})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, HTTPException):
            self.died()
            raise
        finally:
            connection.close()

    def died(self) -> None:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            self.plane.check()
            time.sleep(0.01)

    def s3(self, verb: str, **wish: Any) -> Any:
        if self.keys is None:
            self.keys = self.new_keys()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.plane.port}",
            aws_access_key_id=self.keys[0],
            aws_secret_access_key=self.keys[1],
            region_name="RegionOne",
            config=Config(retries={"max_attempts": 1, "mode": "standard"}),
        )
        try:
            return getattr(client, verb)(**wish)
        except ClientError:
            raise
        except (BotoCoreError, OSError):
            self.died()
            raise
        finally:
            client.close()

    def new_keys(self) -> tuple[str, str]:
        with contextlib.closing(sqlite3.connect(self.plane.data_dir / "cumulo.db")) as found:
            query = "SELECT id FROM identity_users WHERE name = 'demo'"
            user = str(found.execute(query).fetchone()[0])
        path = f"/identity/v3/users/{user}/credentials/OS-EC2"
        made = self.plane.ask("POST", path, {"tenant_id": self.project()})["credential"]
        return made["access"], made["secret"]

    def delete(self, name: str) -> None:
        self.plane.ask("DELETE", f"{self.account}/c/{name}", ok=(404,))
        assert self.plane.send("HEAD", f"{self.account}/c/{name}")[0] == 404

    def quiet(self) -> None:
        """What works in the background is killed here, too, before the walk goes on."""
        data = self.plane.data_dir
        self.until(lambda: rows(data, "object_removals") == 0, "bytes are not removed")
        self.until(
            lambda: rows(data, "object_objects", "name = CAST('short' AS BLOB)") == 0, "late"
        )

    def settled(self) -> None:
        data = self.plane.data_dir
        self.until(lambda: waiting(data) == 0, "bytes are not removed")
        self.until(lambda: not files(data), f"bytes are left: {files(data)}")
        _, headers, _ = self.plane.send("HEAD", self.account)
        counts = [headers[f"x-account-{name}"] for name in ("object-count", "bytes-used")]
        assert counts == ["0", "0"]

    def until(self, test: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not test():
            self.plane.check()
            assert time.monotonic() < end, what
            time.sleep(0.02)


def rows(data: Path, name: str, where: str = "1 = 1") -> int:
    with contextlib.closing(sqlite3.connect(data / "cumulo.db")) as found:
        return int(found.execute(f"SELECT count(*) FROM {name} WHERE {where}").fetchone()[0])


def waiting(data: Path) -> int:
    tables = ("object_removals", "object_parts", "object_uploads", "object_objects")
    return sum(rows(data, name) for name in tables)


def files(data: Path) -> list[Path]:
    found = (data / "objects").rglob("*")
    return [path for path in found if path.is_file() and path.name != "cumulo-device"]


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    log = folder / "points"
    plane = ControlPlane(folder / "data")
    plane.start(points=log)
    before = len(log.read_text().splitlines())
    try:
        for step in ObjectWalk(plane).steps():
            step()
    finally:
        plane.stop()
    found = dict.fromkeys(log.read_text().splitlines()[before:])
    return [point for point in found if "object" in point]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_converges(shard: int, points: list[str], tmp_path: Path) -> None:
    assert len(points) >= LEAST_POINTS, points
    mine = points[shard::SHARDS]
    plane = ControlPlane(tmp_path / "data")
    try:
        reached: list[str] = []
        for _ in range(3):  # What runs beside comes at other moments each time.
            rest = [point for point in mine if point not in reached]
            if len(rest) <= 2:
                break
            rest = rest[1:] + rest[:1] if reached else rest
            reached += run_walk(plane, rest, lambda plane: ObjectWalk(plane).steps())
    finally:
        plane.stop()
    assert len(reached) >= len(mine) - 2, sorted(set(mine) - set(reached))
    left = {name: count for name, count in leaks.counts(tmp_path / "data").items() if count}
    assert not {name for name in left if name.startswith("object_")} - {
        "object_accounts",
        "object_containers",
        "object_devices",
        "object_passes",
    }
