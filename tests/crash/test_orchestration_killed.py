"""`kill -9` at every named point of a stack's life: made, changed, replaced, removed. No resource
may be made twice, none forgotten, nothing stuck."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

SHARDS = 2
LEAST_POINTS = 15

TEMPLATE: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "parameters": {
        "size": {"type": "number", "default": 8},
        "disk": {"type": "number", "default": 1},
    },
    "resources": {
        "net": {"type": "OS::Neutron::Net"},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": {"get_resource": "net"}, "cidr": "10.8.0.0/24"},
        },
        "key": {
            "type": "OS::Nova::KeyPair",
            "properties": {"name": "killed", "save_private_key": True},
        },
        "word": {
            "type": "OS::Heat::RandomString",
            "properties": {"length": {"get_param": "size"}},
        },
        "port": {
            "type": "OS::Neutron::Port",
            "properties": {
                "network": {"get_resource": "net"},
                "fixed_ips": [{"subnet": {"get_resource": "subnet"}}],
            },
        },
        "web": {
            "type": "OS::Nova::Server",
            "properties": {
                "image": "cumulo-guest",
                "flavor": "m1.nano",
                "key_name": {"get_resource": "key"},
                "networks": [{"port": {"get_resource": "port"}}],
            },
        },
        "disk": {"type": "OS::Cinder::Volume", "properties": {"size": {"get_param": "disk"}}},
        "several": {
            "type": "OS::Heat::ResourceGroup",
            "properties": {
                "count": 2,
                "resource_def": {
                    "type": "OS::Heat::RandomString",
                    "properties": {"length": {"get_param": "size"}},
                },
            },
            "update_policy": {"rolling_update": {"max_batch_size": 1, "min_in_service": 2}},
        },
    },
}


class StackWalk:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self._project = ""

    def steps(self) -> list[Callable[[], None]]:
        return [self.create, self.made, self.change, self.changed, self.delete, self.gone]

    @property
    def stacks(self) -> str:
        if not self._project:
            found = self.plane.ask("GET", "/identity/v3/auth/projects")["projects"]
            self._project = found[0]["id"]
        return f"/orchestration/v1/{self._project}/stacks"

    def find(self) -> Any:
        found = self.plane.ask("GET", f"{self.stacks}?name=killed")["stacks"]
        return found[0] if found else None

    def until(self, test: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not test():
            self.plane.check()
            assert time.monotonic() < end, f"{what}: {self.find()}"
            time.sleep(0.05)

    def create(self) -> None:
        if self.find() is None:
            self.plane.ask("POST", self.stacks, {"stack_name": "killed", "template": TEMPLATE})

    def is_(self, word: str) -> bool:
        found = self.find()
        assert found is None or "FAILED" not in found["stack_status"], found["stack_status_reason"]
        return bool(found is not None and found["stack_status"] == word)

    def made(self) -> None:
        self.until(lambda: self.is_("CREATE_COMPLETE"), "never made")

    def change(self) -> None:
        if self.is_("CREATE_COMPLETE"):
            body = {"parameters": {"size": 9, "disk": 2}}
            self.plane.ask("PATCH", f"{self.stacks}/killed/{self.find()['id']}", body)

    def changed(self) -> None:
        self.until(lambda: self.is_("UPDATE_COMPLETE"), "never changed")
        servers = self.plane.ask("GET", "/compute/v2.1/servers")["servers"]
        volumes = self.plane.ask("GET", "/volume/v3/volumes/detail")["volumes"]
        ports = self.plane.ask("GET", "/network/v2.0/ports?device_owner=compute:nova")["ports"]
        assert (len(servers), [v["size"] for v in volumes], len(ports)) == (1, [2], 1)

    def delete(self) -> None:
        found = self.find()
        if found is not None:
            self.plane.ask("DELETE", f"{self.stacks}/killed/{found['id']}", ok=(404,))

    def gone(self) -> None:
        self.until(lambda: self.find() is None, "never gone")
        keys = self.plane.ask("GET", "/compute/v2.1/os-keypairs")["keypairs"]
        assert keys == []
        self.until(
            lambda: not self.plane.ask("GET", "/compute/v2.1/servers")["servers"], "server left"
        )


def state(data: Path) -> dict[str, Any]:
    # Events grow with each look at what was begun; a deleted stack is remembered.
    rows = {k: v for k, v in leaks.counts(data).items() if k != "orchestration_events"}
    return {"rows": rows, "quota": leaks.used_quota(data)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    plane = ControlPlane(folder / "data")
    plane.start(points=folder / "points")
    try:
        for step in StackWalk(plane).steps():
            step()
    finally:
        plane.stop()
    passed = (folder / "points").read_text().splitlines()
    mine = [point for point in dict.fromkeys(passed) if "stack" in point]
    # Each resource is a commit of the same name: die at several of them.
    mine += [
        f"{side} commit: stack resource#{n}" for n in (2, 5, 7) for side in ("before", "after")
    ]
    leaks.settle(plane)
    return mine, state(folder / "data")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_converges(
    shard: int, undisturbed: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    points, left = undisturbed
    assert len(points) >= LEAST_POINTS, points
    plane = ControlPlane(tmp_path / "data")
    try:
        mine = points[shard::SHARDS]
        reached = run_walk(plane, mine, lambda plane: StackWalk(plane).steps())
    finally:
        plane.stop()
    assert len(reached) >= len(mine) - 2, sorted(set(mine) - set(reached))
    leaks.settle(plane)
    found = state(tmp_path / "data")
    assert found["quota"] == left["quota"]
    rows = {k: (v, left["rows"][k]) for k, v in found["rows"].items() if v != left["rows"].get(k)}
    assert not rows


ROLLED: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "parameters": {"word": {"type": "string", "default": "old"}},
    "resources": {
        "group": {
            "type": "OS::Heat::ResourceGroup",
            "properties": {
                "count": 4,
                "resource_def": {
                    "type": "OS::Heat::TestResource",
                    "properties": {"value": {"get_param": "word"}},
                },
            },
            "update_policy": {"rolling_update": {"max_batch_size": 1, "min_in_service": 4}},
        }
    },
    "outputs": {"now": {"value": {"get_attr": ["group", "output"]}}},
}


class RollWalk(StackWalk):
    """A group changes one by one, with one more for the time of it."""

    def create(self) -> None:
        self.plane.ask("POST", self.stacks, {"stack_name": "killed", "template": ROLLED})

    def change(self) -> None:
        if self.is_("CREATE_COMPLETE"):
            body = {"parameters": {"word": "new"}}
            self.plane.ask("PATCH", f"{self.stacks}/killed/{self.find()['id']}", body)

    def changed(self) -> None:
        self.until(lambda: self.is_("UPDATE_COMPLETE"), "never changed")
        one = f"{self.stacks}/killed/{self.find()['id']}"
        (told,) = self.plane.ask("GET", one)["stack"]["outputs"]
        assert told["output_value"] == ["new"] * 4
        found = self.plane.ask("GET", f"{one}/resources?nested_depth=1")["resources"]
        assert len(found) == 5


def test_a_roll_goes_on(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "data")
    walk = RollWalk(plane)
    try:
        plane.start()
        walk.create()
        walk.made()
    finally:
        plane.stop()
    # Between a batch and the next one, and in the midst of one.
    points = [f"{side} commit: stack resource#{n}" for n, side in ((3, "after"), (4, "before"))]
    try:
        reached = run_walk(plane, points, lambda plane: [walk.change, walk.changed])
    finally:
        plane.stop()
    assert reached == points
