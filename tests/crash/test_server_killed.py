"""`kill -9` at every named point of what is done to a server as a whole: suspend, rescue, resize,
an image of it, another host, the shelf. It is always what was asked last, and nothing is left."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk
from tests.crash.walk import Walk

SHARDS = 2
LEAST_POINTS = 18
HOSTS = "[hosts]\nfake = 2\n"
MINE = ("compute.image", "compute.shelve", "compute.move", ": suspend", ": rescue", ": resize")
"""Points of these are this walk's own; the others are died at by the walk of a user."""
AFTER = ("after step", "after commit")
"""An effect that is not noted yet, and what was noted and not done: the ones before them are the
same as those, or as if nothing had been asked."""


class Life(Walk):
    def steps(self) -> list[Callable[[], None]]:
        return [
            self.network,
            self.subnet,
            self.server,
            self.suspend,
            self.resume,
            self.rescue,
            self.unrescue,
            self.resize,
            self.confirm,
            self.migrate,
            self.stay,
            self.image_of_it,
            self.shelve,
            self.unshelve,
            self.delete_server,
            self.delete_image,
            self.delete_network,
        ]

    def server(self) -> None:
        if self.find("/compute/v2.1/servers", "servers", "walk") is None:
            image = self.named("/image/v2/images", "images", "cumulo-guest")
            flavor = self.named("/compute/v2.1/flavors", "flavors", "m1.nano")
            network = self.named("/network/v2.0/networks", "networks", "walk")
            server = {"name": "walk", "imageRef": image["id"], "flavorRef": flavor["id"]}
            server["networks"] = [{"uuid": network["id"]}]
            self.plane.ask("POST", "/compute/v2.1/servers", {"server": server})
        self.server_is("ACTIVE")

    def act(self, status: str, *, unless: tuple[str, ...] = (), **body: Any) -> None:
        """Ask, unless it was asked before the crash; then wait for what comes of it."""
        server = self.plane.ask("GET", self.server_path)["server"]
        done = server["status"] in (status, *unless) or server["OS-EXT-STS:task_state"]
        if not done or status == "ACTIVE":
            self.plane.ask("POST", self.server_path + "/action", body, ok=(400, 409))
        self.server_is(status)

    def suspend(self) -> None:
        self.act("SUSPENDED", suspend=None)

    def resume(self) -> None:
        self.act("ACTIVE", resume=None)

    def rescue(self) -> None:
        self.act("RESCUE", rescue={})

    def unrescue(self) -> None:
        self.act("ACTIVE", unrescue=None)

    def resize(self) -> None:
        flavor = self.named("/compute/v2.1/flavors", "flavors", "m1.micro")
        self.act("VERIFY_RESIZE", resize={"flavorRef": flavor["id"]})

    def confirm(self) -> None:
        self.act("ACTIVE", confirmResize=None)

    def migrate(self) -> None:
        """It goes to the other host."""
        server = self.plane.ask("GET", self.server_path)["server"]
        if server["status"] == "ACTIVE":
            body = {"migrate": None}
            path = self.server_path + "/action"
            self.plane.ask("POST", path, body, ok=(400, 409), user="admin")
        self.server_is("VERIFY_RESIZE")

    def stay(self) -> None:
        self.act("ACTIVE", confirmResize=None)

    def image_of_it(self) -> None:
        def made(found: Any) -> bool:
            return bool([each for each in found["images"] if each["status"] == "active"])

        if self.find("/image/v2/images", "images", "walk") is None:
            body = {"createImage": {"name": "walk"}}
            self.plane.ask("POST", self.server_path + "/action", body, ok=(409,))
        self.wait("/image/v2/images?name=walk", made)
        self.server_is("ACTIVE")

    def shelve(self) -> None:
        self.act("SHELVED_OFFLOADED", shelve=None)

    def unshelve(self) -> None:
        self.act("ACTIVE", unshelve=None)

    def delete_image(self) -> None:
        found = self.find("/image/v2/images", "images", "walk")
        if found is not None:
            self.plane.ask("DELETE", f"/image/v2/images/{found['id']}", ok=(404,))
        self.wait("/image/v2/images?name=walk", lambda answer: not answer["images"])


def life(plane: ControlPlane) -> Iterable[Callable[[], None]]:
    return Life(plane).steps()


def begin(data_dir: Path) -> ControlPlane:
    return ControlPlane(data_dir, settings=HOSTS)


def state(data_dir: Path) -> dict[str, Any]:
    rows = {k: n for k, n in leaks.counts(data_dir).items() if not k.startswith("telemetry_")}
    return {
        "rows": rows,
        "quota": leaks.used_quota(data_dir),
        "files": leaks.files(data_dir, "guests", "images", "copies"),
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    log = folder / "points"
    plane = begin(folder / "data")
    plane.start(points=log)
    try:
        for step in life(plane):
            step()
    finally:
        plane.stop()
    points = list(dict.fromkeys(log.read_text().splitlines()))
    leaks.settle(plane)
    mine = [each for each in points if any(word in each for word in MINE) and is_after(each)]
    return mine, state(folder / "data")


def is_after(point: str) -> bool:
    return point.startswith(AFTER) and not point.endswith(("held", "middle"))


@pytest.mark.parametrize("shard", range(SHARDS))
def test_converges(
    shard: int, undisturbed: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    points, left = undisturbed
    assert len(points) >= LEAST_POINTS
    mine = points[shard::SHARDS]
    plane = begin(tmp_path / "data")
    try:
        reached = run_walk(plane, mine, life)
    finally:
        plane.stop()
    assert reached == mine
    leaks.settle(plane)
    found = state(tmp_path / "data")
    rows = {k: (v, left["rows"][k]) for k, v in found["rows"].items() if v != left["rows"].get(k)}
    assert not rows
    assert found == left
