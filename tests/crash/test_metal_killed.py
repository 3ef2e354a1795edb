"""`kill -9` within a real deployment and cleaning by an agent: it comes to where it was going, the
image is on the disk once and whole, and nothing is left."""

import hashlib
import http.client
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cumulo.baremetal.drivers.media import ISOLINUX
from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk
from tests.support.metal import Metal, small_image

NODES = "/baremetal/v1/nodes"
POINTS = [
    "after step: baremetal.clean clean",
    "before commit: job baremetal.clean wait",
    "after step: baremetal.deploy write",
    "after commit: job baremetal.deploy write",
    "before commit: job baremetal.deploy wait",
    "after step: baremetal.deploy boot",
    "after step: baremetal.deploy start",
    "after step: baremetal.undeploy tear_down",
    "after step: baremetal.undeploy clean",
]
pytestmark = pytest.mark.skipif(
    shutil.which("xorriso") is None or not ISOLINUX.exists(), reason="needs xorriso and isolinux"
)


class Life:
    def __init__(self, plane: ControlPlane, metal: Metal) -> None:
        self.plane = plane
        self.metal = metal
        self.machine = metal.machines[0]
        plane.headers = {"X-OpenStack-Ironic-API-Version": "1.112"}

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.create,
            self.asked("manage", "enroll"),
            self.until("manageable"),
            self.asked("provide", "manageable"),
            self.until("available"),
            self.choose,
            self.asked("active", "available"),
            self.until("active"),
            self.written,
            self.asked("deleted", "active"),
            self.until("available"),
            self.erased,
            self.delete,
        ]

    def node(self) -> Any:
        found = self.plane.ask("GET", f"{NODES}/detail", user="admin")["nodes"]
        return found[0] if found else None

    def create(self) -> None:
        if self.node() is None:
            self.plane.ask("POST", NODES, self.metal.node(self.machine), user="admin")

    def asked(self, verb: str, state: str) -> Callable[[], None]:
        def step() -> None:
            node = self.node()
            if node["provision_state"] == state:
                wish: dict[str, Any] = {"target": verb}
                if verb == "active":
                    wish["configdrive"] = {"meta_data": {"hostname": "iron"}}
                path = f"{NODES}/{node['uuid']}/states/provision"
                self.plane.ask("PUT", path, wish, user="admin")

        return step

    def until(self, state: str) -> Callable[[], None]:
        def step() -> None:
            end = time.monotonic() + 60
            while (node := self.node())["provision_state"] != state:
                self.plane.check()
                assert "failed" not in str(node["provision_state"]), node
                assert time.monotonic() < end, node
                time.sleep(0.05)

        return step

    def choose(self) -> None:
        """Its image, by URL: of a server of the test's."""
        info = {
            "image_source": f"{self.metal.address}/image",
            "image_os_hash_algo": "sha256",
            "image_os_hash_value": hashlib.sha256(small_image()).hexdigest(),
        }
        changes = [{"op": "add", "path": "/instance_info", "value": info}]
        path = f"{NODES}/{self.node()['uuid']}"
        self.plane.ask("PATCH", path, changes, user="admin", ok=(409,))

    def written(self) -> None:
        raw = self.machine.disk.read_bytes()
        assert raw[64 * 512 :].startswith(b"hello, iron")
        # Of the second partition, at the end.
        start = int.from_bytes(raw[446 + 16 + 8 : 446 + 16 + 12], "little") * 512
        assert b"CD001" in raw[start : start + 40000] and b"iron" in raw[start:]
        assert self.machine.is_on() and not self.machine.board().media

    def erased(self) -> None:
        assert not any(self.machine.disk.read_bytes())
        assert not self.machine.is_on()

    def delete(self) -> None:
        if (node := self.node()) is not None:
            self.plane.ask("DELETE", f"{NODES}/{node['uuid']}", user="admin", ok=(404,))


def test_converges(tmp_path: Path) -> None:
    (tmp_path / "metal").mkdir()
    with Metal(tmp_path / "metal") as metal:
        serve_image(metal)
        table = "[baremetal]\n" + "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in metal.settings.items()
        )
        plane = ControlPlane(tmp_path / "data", settings=table)
        try:
            reached = run_walk(plane, POINTS, lambda plane: Life(plane, metal).steps())
        finally:
            plane.stop()
    assert reached == POINTS
    left = leaks.counts(tmp_path / "data")
    assert {left[f"baremetal_{name}"] for name in ("nodes", "ports", "agents")} == {0}
    assert left["jobs"] == 0
    assert not list((tmp_path / "data" / "baremetal" / "media").glob("*"))


def serve_image(metal: Metal) -> None:
    """The BMC's server gives the image, too."""
    front = metal.server.RequestHandlerClass
    ask = front.do_GET  # type: ignore[attr-defined]

    def get(self: Any) -> None:
        if self.path != "/image":
            ask(self)
            return
        self.send_response(http.client.OK)
        self.send_header("Content-Length", str(len(small_image())))
        self.end_headers()
        self.wfile.write(small_image())

    front.do_GET = get  # type: ignore[attr-defined]
