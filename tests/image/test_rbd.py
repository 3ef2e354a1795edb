"""A cloud whose images are in Ceph, through openstacksdk; and kill -9 in the middle."""

import hashlib
import http.client
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest

from tests.crash.control_plane import ControlPlane, Died
from tests.support.ceph import Ceph
from tests.support.served import served_cloud

pytestmark = pytest.mark.ceph
SETTINGS = """
[image]
default_store = "file"
[image.stores.file]
type = "file"
[image.stores.ceph]
type = "rbd"
pool = "{pool}"
ceph_conf = "{conf}"
"""
CONTENT = os.urandom(9_000_001)
BOTH = {"file", "ceph"}
BARE = {"disk_format": "raw", "container_format": "bare"}


def until(test: Callable[[], bool], what: str, seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def stores(image: dict[str, Any]) -> set[str]:
    return set(image["stores"].split(","))


def settings(ceph: Ceph, pool: str) -> str:
    return SETTINGS.format(pool=pool, conf=ceph.conf)


def test_users_see_no_difference(ceph: Ceph, tmp_path: Path) -> None:
    pool = ceph.pool()
    file = tmp_path / "disk"
    file.write_bytes(CONTENT)
    with served_cloud(tmp_path / "data", settings=settings(ceph, pool)) as cloud:
        sdk = openstack.connection.Connection(session=cloud.session("admin"))
        mine = sdk.image.create_image(name="mine", **BARE)
        with file.open("rb") as data:
            answer = sdk.image.put(
                f"/images/{mine.id}/file",
                data=data,
                headers={
                    "Content-Type": "application/octet-stream",
                    "X-Image-Meta-Store": "ceph",
                },
            )
        assert answer.status_code == 204, answer.text
        found = sdk.image.get_image(mine.id)
        assert (found.status, found.size) == ("active", len(CONTENT))
        assert found.hash_value == hashlib.sha512(CONTENT).hexdigest()
        assert stores(sdk.image.get(f"/images/{mine.id}").json()) == {"ceph"}
        assert ceph.images(pool) == [mine.id]
        assert ceph.snapshots(pool, mine.id) == {"snap": True}
        assert sdk.image.download_image(mine.id).content == CONTENT
        for first, last in ((0, 9), (8_388_600, 8_388_700), (9_000_000, 9_000_000)):
            headers = {"Range": f"bytes={first}-{last}"}
            part = sdk.image.get(f"/images/{mine.id}/file", headers=headers)
            assert part.status_code == 206
            assert part.content == CONTENT[first : last + 1]
        other = sdk.image.create_image(name="other", filename=str(file), **BARE)
        sdk.image.import_image(other, method="copy-image", stores=["ceph"])
        until(lambda: stores(sdk.image.get(f"/images/{other.id}").json()) == BOTH, "not copied")
        assert ceph.images(pool) == sorted([mine.id, other.id])
        exported = ceph.run("rbd", "export", "--no-progress", f"{pool}/{other.id}@snap", "-")
        assert exported == CONTENT
        for image in (mine, other):
            sdk.image.delete_image(image.id)
        until(lambda: ceph.images(pool) == [], "the bytes are still there")


class Killed:
    """A control plane with a Ceph store, and the images that a user makes on it."""

    def __init__(self, ceph: Ceph, folder: Path) -> None:
        self.ceph, self.pool = ceph, ceph.pool()
        self.plane = ControlPlane(folder / "data", settings=settings(ceph, self.pool))

    def new(self, name: str) -> str:
        return str(self.plane.ask("POST", "/image/v2/images", {"name": name, **BARE})["id"])

    def show(self, image_id: str) -> Any:
        return self.plane.ask("GET", f"/image/v2/images/{image_id}")

    def begin(self, image_id: str) -> http.client.HTTPConnection:
        """An upload that has sent half of its bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plane.port, timeout=60)
        connection.putrequest("PUT", f"/image/v2/images/{image_id}/file")
        for name, value in (
            ("Content-Type", "application/octet-stream"),
            ("Content-Length", str(len(CONTENT))),
            ("X-Image-Meta-Store", "ceph"),
            ("X-Auth-Token", self.plane._token("demo")),
        ):
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(CONTENT[: len(CONTENT) // 2])
        return connection

    def whole(self, image_id: str) -> None:
        assert self.plane.ask("GET", f"/image/v2/images/{image_id}/file") == CONTENT
        assert self.ceph.images(self.pool) == [image_id]
        assert self.ceph.snapshots(self.pool, image_id) == {"snap": True}

    def delete(self, image_id: str) -> None:
        self.plane.ask("DELETE", f"/image/v2/images/{image_id}")
        until(lambda: self.ceph.images(self.pool) == [], "the bytes are still there")


@pytest.fixture
def killed(ceph: Ceph, tmp_path: Path) -> Iterator[Killed]:
    cloud = Killed(ceph, tmp_path)
    try:
        yield cloud
    finally:
        cloud.plane.stop()


def test_killed_in_the_middle_of_an_upload(killed: Killed) -> None:
    plane = killed.plane
    plane.start()
    image_id = killed.new("half")
    connection = killed.begin(image_id)
    until(lambda: killed.ceph.images(killed.pool) != [], "nothing is written")
    (name,) = killed.ceph.images(killed.pool)
    assert name.startswith(f".new-{image_id}-")
    plane.kill()
    connection.close()
    plane.start()
    until(lambda: killed.show(image_id)["status"] == "queued", "it is not taken back")
    until(lambda: killed.ceph.images(killed.pool) == [], "an orphan")
    connection = killed.begin(image_id)
    connection.send(CONTENT[len(CONTENT) // 2 :])
    assert connection.getresponse().status == 204
    connection.close()
    killed.whole(image_id)
    killed.delete(image_id)


@pytest.mark.parametrize("point", ["image task: before keep", "image task: after keep"])
def test_killed_in_the_middle_of_a_copy(killed: Killed, point: str) -> None:
    plane = killed.plane
    plane.start(crash_at=point)
    image_id = killed.new("copied")
    answer = plane.send("PUT", f"/image/v2/images/{image_id}/file", CONTENT)
    assert answer[0] == 204, answer
    wish = {"method": {"name": "copy-image"}, "stores": ["ceph"]}
    plane.ask("POST", f"/image/v2/images/{image_id}/import", wish, user="admin")

    def dead() -> bool:
        try:
            plane.check()
        except Died:
            return True
        return False

    until(dead, f"never at {point}")
    assert len(killed.ceph.images(killed.pool)) == 1
    plane.start()
    until(lambda: stores(killed.show(image_id)) == BOTH, "not copied")
    killed.whole(image_id)
    killed.delete(image_id)
