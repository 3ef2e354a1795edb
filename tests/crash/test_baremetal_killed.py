"""`kill -9` within a node's transitions: it comes to where it was going, and nothing is left."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

NODES = "/baremetal/v1/nodes"
POINTS = [
    "after commit: job baremetal.verify verify",
    "after step: baremetal.clean clean",
    "before commit: job baremetal.clean wait",
    "after step: baremetal.deploy write",
    "before step: baremetal.deploy boot",
    "after step: baremetal.deploy boot",
    "after step: baremetal.undeploy tear_down",
    "before commit: job baremetal.undeploy wait",
]


class Life:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        plane.headers = {"X-OpenStack-Ironic-API-Version": "1.51"}

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.create,
            self.asked("manage", "enroll"),
            self.until("manageable"),
            self.asked("provide", "manageable"),
            self.until("available"),
            self.asked("active", "available"),
            self.until("active"),
            self.asked("deleted", "active"),
            self.until("available"),
            self.delete,
        ]

    def node(self) -> Any:
        found = self.plane.ask("GET", f"{NODES}/detail", user="admin")["nodes"]
        return found[0] if found else None

    def create(self) -> None:
        if self.node() is None:
            self.plane.ask("POST", NODES, {"driver": "fake-hardware"}, user="admin")

    def provision(self, verb: str) -> None:
        path = f"{NODES}/{self.node()['uuid']}/states/provision"
        self.plane.ask("PUT", path, {"target": verb}, user="admin")

    def asked(self, verb: str, state: str) -> Callable[[], None]:
        def step() -> None:
            if self.node()["provision_state"] == state:
                self.provision(verb)

        return step

    def until(self, state: str) -> Callable[[], None]:
        def step() -> None:
            end = time.monotonic() + 30
            while (node := self.node())["provision_state"] != state:
                self.plane.check()
                assert "failed" not in str(node["provision_state"]), node
                assert time.monotonic() < end, node
                time.sleep(0.02)

        return step

    def delete(self) -> None:
        if (node := self.node()) is not None:
            self.plane.ask("DELETE", f"{NODES}/{node['uuid']}", user="admin", ok=(404,))


def steps(plane: ControlPlane) -> list[Callable[[], None]]:
    return Life(plane).steps()


def test_converges(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "data")
    try:
        reached = run_walk(plane, POINTS, steps)
    finally:
        plane.stop()
    assert reached == POINTS
    left = leaks.counts(tmp_path / "data")
    assert {left[name] for name in ("baremetal_nodes", "baremetal_ports", "jobs")} == {0}
    assert not list((tmp_path / "data" / "baremetal" / "fake").glob("*.json"))
