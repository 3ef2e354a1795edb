"""The walk of a user, step by step, so that it can be taken up again anywhere.

Each step first looks whether its effect is there: after a crash nobody knows whether the last
request was carried out. That is what every careful client does; the cloud's part is that the
answer is always one or the other, never half.
"""

import time
from collections.abc import Callable
from typing import Any

from tests.crash.control_plane import ControlPlane

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaQde8iCKhivKcHVrPWYvGyBUxmSx0TWgFbxbXpBlgX walk"


class Walk:
    """One user's way through the cloud."""

    def __init__(self, plane: ControlPlane, *, image: str = "cumulo-guest") -> None:
        self.plane = plane
        self.image = image

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.keypair,
            self.network,
            self.subnet,
            self.router,
            self.interface,
            self.rule,
            self.server,
            self.floating_ip,
            self.volume,
            self.attach,
            self.reboot,
            self.stop,
            self.start,
            self.detach,
            self.delete_volume,
            self.delete_floating_ip,
            self.delete_server,
            self.delete_interface,
            self.delete_router,
            self.delete_network,
            self.delete_keypair,
        ]

    # What there is, by name

    def find(self, path: str, collection: str, name: str) -> Any:
        found = self.plane.ask("GET", path)[collection]
        return next((item for item in found if item.get("name") == name), None)

    def named(self, path: str, collection: str, name: str) -> Any:
        found = self.find(path, collection, name)
        assert found is not None, f"no {name} in {path}"
        return found

    def wait(self, path: str, accept: Callable[[Any], bool], seconds: float = 240) -> Any:
        """Ask until the answer is accepted; a 404 is given as None."""
        end = time.monotonic() + seconds
        while True:
            self.plane.check()
            status, _, found = self.plane.send("GET", path)
            assert status in (200, 404), (path, status, found)
            answer = None if status == 404 else found
            if accept(answer):
                return answer
            assert time.monotonic() < end, f"{path} stays {answer}"
            time.sleep(0.02)

    @property
    def server_path(self) -> str:
        server = self.named("/compute/v2.1/servers", "servers", "walk")
        return f"/compute/v2.1/servers/{server['id']}"

    @property
    def volume_path(self) -> str:
        volume = self.named("/volume/v3/volumes", "volumes", "walk")
        return f"/volume/v3/volumes/{volume['id']}"

    def server_is(self, status: str) -> Any:
        def settled(found: Any) -> bool:
            server = found["server"]
            assert server["status"] != "ERROR" or status == "ERROR", server
            return server["status"] == status and server["OS-EXT-STS:task_state"] is None

        return self.wait(self.server_path, settled)

    def volume_is(self, status: str) -> None:
        def settled(found: Any) -> bool:
            assert not found["volume"]["status"].startswith("error"), found
            return bool(found["volume"]["status"] == status)

        self.wait(self.volume_path, settled)

    # The steps

    def keypair(self) -> None:
        body = {"keypair": {"name": "walk", "public_key": KEY}}
        self.plane.ask("POST", "/compute/v2.1/os-keypairs", body, ok=(409,))

    def network(self) -> None:
        if self.find("/network/v2.0/networks", "networks", "walk") is None:
            self.plane.ask("POST", "/network/v2.0/networks", {"network": {"name": "walk"}})

    def subnet(self) -> None:
        if self.find("/network/v2.0/subnets", "subnets", "walk") is None:
            network = self.named("/network/v2.0/networks", "networks", "walk")
            subnet = {
                "name": "walk",
                "network_id": network["id"],
                "ip_version": 4,
                "cidr": "10.77.0.0/24",
            }
            self.plane.ask("POST", "/network/v2.0/subnets", {"subnet": subnet})

    def router(self) -> None:
        if self.find("/network/v2.0/routers", "routers", "walk") is None:
            public = self.named("/network/v2.0/networks", "networks", "public")
            router = {"name": "walk", "external_gateway_info": {"network_id": public["id"]}}
            self.plane.ask("POST", "/network/v2.0/routers", {"router": router})
        path = f"/network/v2.0/routers/{self._id('routers')}"
        self.wait(path, lambda found: found["router"]["status"] == "ACTIVE")

    def _id(self, collection: str) -> str:
        found = self.named(f"/network/v2.0/{collection}", collection, "walk")
        return str(found["id"])

    def interface(self) -> None:
        path = f"/network/v2.0/routers/{self._id('routers')}/add_router_interface"
        self.plane.ask("PUT", path, {"subnet_id": self._id("subnets")}, ok=(400, 409))

    def rule(self) -> None:
        group = self.named("/network/v2.0/security-groups", "security_groups", "default")
        rule = {
            "security_group_id": group["id"],
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
        }
        body = {"security_group_rule": rule}
        self.plane.ask("POST", "/network/v2.0/security-group-rules", body, ok=(409,))

    def server(self) -> None:
        if self.find("/compute/v2.1/servers", "servers", "walk") is None:
            image = self.named("/image/v2/images", "images", self.image)
            flavor = self.named("/compute/v2.1/flavors", "flavors", "m1.nano")
            server = {
                "name": "walk",
                "imageRef": image["id"],
                "flavorRef": flavor["id"],
                "key_name": "walk",
                "networks": [{"uuid": self._id("networks")}],
            }
            self.plane.ask("POST", "/compute/v2.1/servers", {"server": server})
        self.server_is("ACTIVE")

    def floating_ip(self) -> None:
        if not self.plane.ask("GET", "/network/v2.0/floatingips")["floatingips"]:
            public = self.named("/network/v2.0/networks", "networks", "public")
            server = self.server_path.rpartition("/")[2]
            ports = self.plane.ask("GET", f"/network/v2.0/ports?device_id={server}")["ports"]
            body = {"floatingip": {"floating_network_id": public["id"], "port_id": ports[0]["id"]}}
            self.plane.ask("POST", "/network/v2.0/floatingips", body)
        self.wait(
            "/network/v2.0/floatingips",
            lambda found: found["floatingips"][0]["status"] == "ACTIVE",
        )

    def volume(self) -> None:
        if self.find("/volume/v3/volumes", "volumes", "walk") is None:
            self.plane.ask("POST", "/volume/v3/volumes", {"volume": {"name": "walk", "size": 1}})
        self.wait(
            self.volume_path, lambda found: found["volume"]["status"] in ("available", "in-use")
        )

    def attach(self) -> None:
        path = self.server_path + "/os-volume_attachments"
        volume_id = self.volume_path.rpartition("/")[2]
        if not self.plane.ask("GET", path)["volumeAttachments"]:
            self.plane.ask("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
        self.volume_is("in-use")

    def reboot(self) -> None:
        self.plane.ask(
            "POST", self.server_path + "/action", {"reboot": {"type": "HARD"}}, ok=(409,)
        )
        self.server_is("ACTIVE")

    def stop(self) -> None:
        self.plane.ask("POST", self.server_path + "/action", {"os-stop": None}, ok=(409,))
        self.server_is("SHUTOFF")

    def start(self) -> None:
        self.plane.ask("POST", self.server_path + "/action", {"os-start": None}, ok=(409,))
        self.server_is("ACTIVE")

    def detach(self) -> None:
        volume_id = self.volume_path.rpartition("/")[2]
        path = f"{self.server_path}/os-volume_attachments/{volume_id}"
        if self.plane.ask("GET", self.volume_path)["volume"]["status"] != "detaching":
            # Else the request before the crash was carried out; a second one is refused (400).
            self.plane.ask("DELETE", path, ok=(404,))
        self.volume_is("available")

    def delete_volume(self) -> None:
        found = self.find("/volume/v3/volumes/detail", "volumes", "walk")
        if found is not None and found["status"] == "deleting":
            # The request before the crash was carried out; a second one would be refused.
            self.wait(f"/volume/v3/volumes/{found['id']}", lambda answer: answer is None)
        self._delete("/volume/v3/volumes", "volumes")

    def delete_floating_ip(self) -> None:
        for found in self.plane.ask("GET", "/network/v2.0/floatingips")["floatingips"]:
            self.plane.ask("DELETE", f"/network/v2.0/floatingips/{found['id']}", ok=(404,))

    def delete_server(self) -> None:
        self._delete("/compute/v2.1/servers", "servers")

    def delete_interface(self) -> None:
        if self.find("/network/v2.0/routers", "routers", "walk") is not None:
            path = f"/network/v2.0/routers/{self._id('routers')}/remove_router_interface"
            self.plane.ask("PUT", path, {"subnet_id": self._id("subnets")}, ok=(404, 409))

    def delete_router(self) -> None:
        self._delete("/network/v2.0/routers", "routers")

    def delete_network(self) -> None:
        self._delete("/network/v2.0/networks", "networks")

    def delete_keypair(self) -> None:
        self.plane.ask("DELETE", "/compute/v2.1/os-keypairs/walk", ok=(404,))

    def _delete(self, path: str, collection: str) -> None:
        """Delete what is called `walk` and wait until it is gone."""
        found = self.find(path, collection, "walk")
        if found is not None:
            self.plane.ask("DELETE", f"{path}/{found['id']}", ok=(404,))
            self.wait(f"{path}/{found['id']}", lambda answer: answer is None)
