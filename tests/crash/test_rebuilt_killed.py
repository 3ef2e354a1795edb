"""`kill -9` while a server gets a machine of bare metal, and while a volume that one boots from
gets another image: it is what was asked last, and nothing is left."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk
from tests.crash.walk import Walk

POINTS = [
    "after commit: server of bare metal",
    "before commit: server of bare metal",
    "after commit: job compute.reimage write",
    "after step: compute.reimage wait",
]
NODES = "/baremetal/v1/nodes"
SERVERS, FLAVORS = "/compute/v2.1/servers", "/compute/v2.1/flavors"


class Life(Walk):
    def steps(self) -> list[Callable[[], None]]:
        self.plane.headers = {
            "X-OpenStack-Ironic-API-Version": "1.51",
            "OpenStack-API-Version": "compute 2.93",
        }
        return [
            self.node,
            self.provided("manage", "enroll", "manageable"),
            self.provided("provide", "manageable", "available"),
            self.flavor,
            self.server,
            self.delete_server,
            self.nobodys,
            self.booted_from_a_volume,
            self.other_image,
            self.reimage,
            self.delete_server,
            self.clear,
        ]

    def _node(self) -> Any:
        found = self.plane.ask("GET", f"{NODES}/detail", user="admin")["nodes"]
        return found[0] if found else None

    def node(self) -> None:
        if self._node() is None:
            wish = {"driver": "fake-hardware", "resource_class": "iron"}
            self.plane.ask("POST", NODES, wish, user="admin")

    def provided(self, verb: str, before: str, after: str) -> Callable[[], None]:
        def step() -> None:
            node = self._node()
            if node["provision_state"] == before:
                path = f"{NODES}/{node['uuid']}/states/provision"
                self.plane.ask("PUT", path, {"target": verb}, user="admin")
            self._until(after)

        return step

    def _until(self, state: str) -> None:
        self.wait_as_admin(lambda: self._node()["provision_state"] == state)

    def wait_as_admin(self, accept: Callable[[], bool]) -> None:
        self.wait(FLAVORS, lambda answer: accept())

    def flavor(self) -> None:
        kind = {"name": "walk", "id": "walk", "vcpus": 1, "ram": 128, "disk": 1}
        self.plane.ask("POST", FLAVORS, {"flavor": kind}, ok=(409,), user="admin")
        specs = {f"resources:{name}": "0" for name in ("VCPU", "MEMORY_MB", "DISK_GB")}
        specs["resources:CUSTOM_IRON"] = "1"
        path = f"{FLAVORS}/walk/os-extra_specs"
        self.plane.ask("POST", path, {"extra_specs": specs}, user="admin")

    def _server(self, flavor: str, **more: Any) -> None:
        if self.find(SERVERS, "servers", "walk") is None:
            server = {"name": "walk", "flavorRef": flavor, "networks": "none", **more}
            self.plane.ask("POST", SERVERS, {"server": server})
        self.server_is("ACTIVE")

    def _image(self, name: str) -> str:
        return str(self.named("/image/v2/images", "images", name)["id"])

    def server(self) -> None:
        self._server("walk", imageRef=self._image("cumulo-guest"))
        assert self._node()["provision_state"] == "active"

    def nobodys(self) -> None:
        self._until("available")
        assert self._node()["instance_uuid"] is None

    def booted_from_a_volume(self) -> None:
        root = {"source_type": "image", "uuid": self._image("cumulo-guest"), "volume_size": 1}
        root |= {"destination_type": "volume", "boot_index": 0, "delete_on_termination": True}
        self._server("42", block_device_mapping_v2=[root])

    def other_image(self) -> None:
        if self.find("/image/v2/images", "images", "walk") is None:
            about = {"name": "walk", "disk_format": "raw", "container_format": "bare"}
            self.plane.ask("POST", "/image/v2/images", about)
        path = f"/image/v2/images/{self._image('walk')}"
        if self.plane.ask("GET", path)["status"] == "queued":
            self.plane.ask("PUT", f"{path}/file", b"other" * 100, ok=(409,))

    def _volume(self) -> Any:
        server = self.plane.ask("GET", self.server_path)["server"]
        (volume,) = server["os-extended-volumes:volumes_attached"]
        return self.plane.ask("GET", f"/volume/v3/volumes/{volume['id']}")["volume"]

    def reimage(self) -> None:
        wanted = self._image("walk")
        if self._volume()["volume_image_metadata"]["image_id"] != wanted:
            body = {"rebuild": {"imageRef": wanted}}
            self.plane.ask("POST", f"{self.server_path}/action", body, ok=(409,))
        self.server_is("ACTIVE")
        found = self._volume()
        assert (found["status"], found["volume_image_metadata"]["image_id"]) == ("in-use", wanted)

    def clear(self) -> None:
        image = self.find("/image/v2/images", "images", "walk")
        if image is not None:
            self.plane.ask("DELETE", f"/image/v2/images/{image['id']}", ok=(404,))
        self.plane.ask("DELETE", f"{FLAVORS}/walk", ok=(404,), user="admin")
        if (node := self._node()) is not None:
            self.plane.ask("DELETE", f"{NODES}/{node['uuid']}", user="admin", ok=(404,))


def life(plane: ControlPlane) -> Iterable[Callable[[], None]]:
    return Life(plane).steps()


def test_converges(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "data")
    try:
        reached = run_walk(plane, POINTS, life)
    finally:
        plane.stop()
    assert reached == POINTS
    leaks.settle(plane)
    left = leaks.counts(tmp_path / "data")
    gone = ("baremetal_nodes", "volumes", "volume_attachments", "placement_allocations", "jobs")
    assert {name: left[name] for name in gone if left[name]} == {}
    used = leaks.used_quota(tmp_path / "data")
    mine = ("demo/compute/", "demo/block_storage/")
    assert not {name: n for name, n in used.items() if name.startswith(mine) and n}
