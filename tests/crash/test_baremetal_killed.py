"""`kill -9` within a node's transitions: it comes to where it was going, and nothing is left."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

NODES = "/baremetal/v1/nodes"
NETWORKS = "/network/v2.0/networks?name=vifs"
PORTS = "/network/v2.0/ports"
MAC = "52:54:00:00:00:0a"
POINTS = [
    "after commit: job baremetal.verify verify",
    "after step: baremetal.clean clean",
    "before commit: job baremetal.clean wait",
    "after step: baremetal.deploy write",
    "before step: baremetal.deploy boot",
    "after step: baremetal.deploy boot",
    "after step: baremetal.deploy start",
    "after step: baremetal.wire wire",
    "before commit: job baremetal.wire wire",
    "after step: baremetal.service work",
    "before commit: job baremetal.service wait",
    "after step: baremetal.undeploy tear_down",
    "before commit: job baremetal.undeploy wait",
]


class Life:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        plane.headers = {"X-OpenStack-Ironic-API-Version": "1.112"}

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.create,
            self.asked("manage", "enroll"),
            self.until("manageable"),
            self.asked("provide", "manageable"),
            self.until("available"),
            self.plugged(True),
            self.asked("active", "available"),
            self.until("active"),
            self.plugged(False),
            self.plugged(True),
            self.asked("service", "active"),
            self.until("service hold"),
            self.asked("unhold", "service hold"),
            self.until("active"),
            self.asked("deleted", "active"),
            self.until("available"),
            self.unplugged,
            self.delete,
        ]

    def node(self) -> Any:
        found = self.plane.ask("GET", f"{NODES}/detail", user="admin")["nodes"]
        return found[0] if found else None

    def create(self) -> None:
        if self.node() is None:
            wish = {"driver": "fake-hardware", "network_interface": "neutron"}
            self.plane.ask("POST", NODES, wish, user="admin")
        if not self.plane.ask("GET", "/baremetal/v1/ports", user="admin")["ports"]:
            card = {"node_uuid": self.node()["uuid"], "address": MAC}
            self.plane.ask("POST", "/baremetal/v1/ports", card, user="admin")
        if not self.plane.ask("GET", NETWORKS, user="admin")["networks"]:
            self.plane.ask(
                "POST", NETWORKS.partition("?")[0], {"network": {"name": "vifs"}}, user="admin"
            )
        if not self.ports():
            [network] = self.plane.ask("GET", NETWORKS, user="admin")["networks"]
            wish = {"port": {"network_id": network["id"], "name": "vif"}}
            self.plane.ask("POST", PORTS, wish, user="admin")

    def ports(self) -> Any:
        return self.plane.ask("GET", f"{PORTS}?name=vif", user="admin")["ports"]

    def plugged(self, wish: bool) -> Callable[[], None]:
        """The card has its VIF, or not; and nothing is at the node then."""

        def step() -> None:
            vif, path = self.ports()[0]["id"], f"{NODES}/{self.node()['uuid']}/vifs"
            has = bool(self.plane.ask("GET", path, user="admin")["vifs"])
            if wish and not has:
                self.plane.ask("POST", path, {"id": vif}, user="admin")
            elif has and not wish:
                self.plane.ask("DELETE", f"{path}/{vif}", user="admin")
            end = time.monotonic() + 30
            while (node := self.node())["reservation"] is not None:
                self.plane.check()
                assert time.monotonic() < end, node
                time.sleep(0.02)
            assert node["last_error"] is None, node
            active = node["provision_state"] == "active"
            [port] = self.ports()
            there = node["uuid"] if wish and active else ""
            assert port["binding:host_id"] == there, port
            assert (port["mac_address"] == MAC) == wish

        return step

    def unplugged(self) -> None:
        for port in self.ports():
            assert (port["device_id"], port["binding:host_id"]) == ("", ""), port
            self.plane.ask("DELETE", f"{PORTS}/{port['id']}", user="admin")
        for network in self.plane.ask("GET", NETWORKS, user="admin")["networks"]:
            self.plane.ask("DELETE", f"/network/v2.0/networks/{network['id']}", user="admin")

    def provision(self, verb: str) -> None:
        path = f"{NODES}/{self.node()['uuid']}/states/provision"
        wish: dict[str, Any] = {"target": verb}
        if verb == "service":
            setting = {"name": "QuietBoot", "value": "true"}
            wish["service_steps"] = [
                {"interface": "deploy", "step": "hold"},
                {
                    "interface": "bios",
                    "step": "apply_configuration",
                    "args": {"settings": [setting]},
                },
            ]
        self.plane.ask("PUT", path, wish, user="admin")

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
