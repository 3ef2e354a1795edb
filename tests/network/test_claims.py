"""What a client writes on a port is a word: nothing follows from it for servers and routers.

`other` is a second project with a user of its own on a network that is shared by `demo`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cumulo.network.agent import NetworkHostPart
from cumulo.network.drivers.fake import FakeNetworkDriver
from cumulo.network.interface import GuestAnswer
from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.projects import second_project

NET = "/network/v2.0"
SERVERS = "/compute/v2.1/servers"


def play(folder: Path, body: Callable[[TestCloud], Awaitable[None]]) -> None:
    async def main() -> None:
        async with running_cloud(folder) as cloud:
            await second_project(cloud, "other")
            await body(cloud)

    asyncio.run(main())


async def made(cloud: TestCloud, path: str, noun: str, as_: str = "demo", **fields: Any) -> Any:
    answer = await cloud.call("POST", f"{NET}/{path}", as_=as_, json_={noun: fields})
    assert answer.status == 201, answer.raw
    return answer.json[noun]


async def server(cloud: TestCloud, network: str, as_: str) -> tuple[str, str]:
    """(server, its port)"""
    wish = {
        "name": as_,
        "flavorRef": "42",
        "imageRef": cloud.image,
        "networks": [{"uuid": network}],
        "user_data": "c2VjcmV0",
    }
    answer = await cloud.call("POST", SERVERS, as_=as_, json_={"server": wish})
    assert answer.status == 202, answer.raw
    server_id = answer.json["server"]["id"]
    path = f"{SERVERS}/{server_id}"
    await cloud.until(path, lambda a: a.json["server"]["status"] == "ACTIVE", as_=as_)
    ports = await cloud.call("GET", f"{path}/os-interface", as_=as_)
    return server_id, ports.json["interfaceAttachments"][0]["port_id"]


async def put(cloud: TestCloud, port: str, as_: str, **changes: Any) -> Answer:
    return await cloud.call("PUT", f"{NET}/ports/{port}", as_=as_, json_={"port": changes})


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["NeutronError"]["type"]


async def asked(cloud: TestCloud, server_id: str, port_id: str) -> GuestAnswer:
    """What a guest behind the port is told when its host takes it for this server's."""
    answer = cloud.cloud.services.compute.metadata.answer
    path = "/openstack/latest/user_data"
    found: GuestAnswer = await cloud.cloud.database.read(
        lambda tx: answer(tx, server_id, port_id, "GET", path)
    )
    return found


def sent_to_hosts(cloud: TestCloud) -> dict[str, str]:
    """port → the server whose guest it is, as the host was told"""
    part = cloud.cloud.agents[0].parts["network"]
    assert isinstance(part, NetworkHostPart) and isinstance(part.driver, FakeNetworkDriver)
    desired = part.driver.desired
    return {port.id: port.device_id for port in desired.ports} if desired else {}


def test_a_port_is_the_servers_that_compute_plugged_it_into(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        private = await cloud.private_network()
        own = await made(cloud, "networks", "network", "other", name="own")
        cidr = {"network_id": own["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
        await made(cloud, "subnets", "subnet", "other", **cidr)
        victim, victims_port = await server(cloud, private, "demo")
        mine, my_port = await server(cloud, own["id"], "other")

        # Neither the port of one's own guest nor a new one becomes the foreign server's.
        assert kind(await put(cloud, my_port, "other", device_id=victim)) == (409, "PortInUse")
        claim = {"network_id": own["id"], "device_id": victim, "device_owner": "compute:nova"}
        answer = await cloud.call("POST", f"{NET}/ports", as_="other", json_={"port": claim})
        assert kind(answer) == (409, "DeviceIDNotOwnedByTenant")
        free = await made(cloud, "ports", "port", "other", network_id=own["id"])
        for words in ({"device_owner": "compute:nova"}, {"device_id": victim}):
            answer = await put(cloud, free["id"], "other", **words)
        assert kind(answer) == (409, "DeviceIDNotOwnedByTenant")

        # An administrator may write it: it is a word all the same.
        words = {"device_id": victim, "device_owner": "compute:nova"}
        assert (await put(cloud, my_port, "admin", **words)).status == 200
        shown = await cloud.call("GET", f"{SERVERS}/{victim}/ips")
        assert list(shown.json["addresses"]) == ["private"]
        assert len(shown.json["addresses"]["private"]) == 1
        shown = await cloud.call("GET", f"{SERVERS}/{mine}/ips", as_="other")
        assert list(shown.json["addresses"]) == ["own"]
        await cloud.until(
            f"{NET}/ports/{my_port}", lambda _: sent_to_hosts(cloud).get(my_port) == mine
        )

        assert (await asked(cloud, victim, victims_port)).body == b"secret"
        assert (await asked(cloud, victim, my_port)).status == 404
        assert (await asked(cloud, victim, free["id"])).status == 404

    play(tmp_path, body)


def test_metadata_is_told_to_ports_of_the_servers_project_only(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        private = await cloud.private_network()
        victim, _ = await server(cloud, private, "demo")
        given = await made(
            cloud, "ports", "port", "admin", network_id=private, project_id=cloud.projects["other"]
        )
        plug = {"interfaceAttachment": {"port_id": given["id"]}}
        answer = await cloud.call(
            "POST", f"{SERVERS}/{victim}/os-interface", as_="admin", json_=plug
        )
        assert answer.status == 200, answer.raw
        assert (await asked(cloud, victim, given["id"])).status == 404

    play(tmp_path, body)


def test_words_do_not_open_a_port_on_a_shared_network(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        net = await made(cloud, "networks", "network", "admin", name="all", shared=True)
        cidr = {"network_id": net["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
        await made(cloud, "subnets", "subnet", "admin", **cidr)
        _, port = await server(cloud, net["id"], "other")
        assert kind(await put(cloud, port, "other", device_owner="mine")) == (409, "PortInUse")
        assert (await put(cloud, port, "other", port_security_enabled=False)).status == 403
        fresh = {"network_id": net["id"], "device_owner": "network:dhcp"}
        answer = await cloud.call("POST", f"{NET}/ports", as_="other", json_={"port": fresh})
        assert answer.status == 403

    play(tmp_path, body)


def test_a_foreign_router_is_not_plugged_by_words(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        router = await made(cloud, "routers", "router", name="r")
        own = await made(cloud, "networks", "network", "other", name="own")
        cidr = {"network_id": own["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
        subnet = await made(cloud, "subnets", "subnet", "other", **cidr)
        owners = ("router_interface", "router_gateway", "dhcp", "floatingip")
        for owner in [f"network:{name}" for name in owners]:
            claim = {"network_id": own["id"], "device_id": router["id"], "device_owner": owner}
            answer = await cloud.call("POST", f"{NET}/ports", as_="other", json_={"port": claim})
            assert kind(answer) == (409, "DeviceIDNotOwnedByTenant")
            port = await made(
                cloud, "ports", "port", "other", network_id=own["id"], device_owner=owner
            )
            answer = await put(cloud, port["id"], "other", device_id=router["id"])
            assert kind(answer) == (409, "DeviceIDNotOwnedByTenant")

            # Even an administrator's words make it no part of the router, nor of the network.
            answer = await put(cloud, port["id"], "admin", device_id=router["id"])
            assert answer.status == 200
            shown = await cloud.call("GET", f"{NET}/routers/{router['id']}")
            assert shown.json["router"]["external_gateway_info"] is None
            gone = await cloud.call("DELETE", f"{NET}/networks/{own['id']}", as_="other")
            assert kind(gone) == (409, "NetworkInUse")
            gone = await cloud.call("DELETE", f"{NET}/ports/{port['id']}", as_="other")
            assert gone.status == 204
        claim = {"network_id": own["id"], "device_id": router["id"]}
        port = await made(
            cloud, "ports", "port", "admin", **claim, device_owner="network:router_interface"
        )
        where = f"{NET}/routers/{router['id']}/remove_router_interface"
        answer = await cloud.call("PUT", where, json_={"subnet_id": subnet["id"]})
        assert kind(answer) == (404, "RouterInterfaceNotFoundForSubnet")
        gone = await cloud.call("DELETE", f"{NET}/routers/{router['id']}")
        assert gone.status == 204

    play(tmp_path, body)


def test_a_floating_ip_goes_through_real_interfaces_only(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        listed = await cloud.call("GET", f"{NET}/networks?router:external=true")
        public = listed.json["networks"][0]["id"]
        gateway = {"network_id": public}
        router = await made(cloud, "routers", "router", name="r", external_gateway_info=gateway)
        own = await made(cloud, "networks", "network", "other", name="own")
        cidr = {"network_id": own["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
        await made(cloud, "subnets", "subnet", "other", **cidr)
        claim = {"network_id": own["id"], "device_id": router["id"]}
        await made(
            cloud, "ports", "port", "admin", **claim, device_owner="network:router_interface"
        )
        port = await made(cloud, "ports", "port", "other", network_id=own["id"])
        wish = {"floating_network_id": public, "port_id": port["id"]}
        answer = await cloud.call(
            "POST", f"{NET}/floatingips", as_="other", json_={"floatingip": wish}
        )
        assert kind(answer) == (404, "ExternalGatewayForFloatingIPNotFound")

    play(tmp_path, body)


def test_a_router_takes_only_what_is_its_projects(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        net = await made(cloud, "networks", "network", "admin", name="all", shared=True)
        cidr = {"network_id": net["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
        subnet = await made(cloud, "subnets", "subnet", "admin", **cidr)
        router = await made(cloud, "routers", "router", "other", name="r")
        add = f"{NET}/routers/{router['id']}/add_router_interface"
        answer = await cloud.call("PUT", add, as_="other", json_={"subnet_id": subnet["id"]})
        assert answer.status == 400 and "is not owned by project" in answer.raw.decode()
        port = await made(cloud, "ports", "port", "other", network_id=net["id"])
        answer = await cloud.call("PUT", add, as_="other", json_={"port_id": port["id"]})
        assert answer.status == 200, answer.raw
        # The owner of a network sees others' ports on it, and does not take them.
        own = await made(cloud, "networks", "network", name="own")
        await made(
            cloud, "subnets", "subnet", network_id=own["id"], cidr="10.8.0.0/24", ip_version=4
        )
        foreign = await made(
            cloud, "ports", "port", "admin", network_id=own["id"],
            project_id=cloud.projects["other"],
        )  # fmt: skip
        mine = await made(cloud, "routers", "router", name="mine")
        add = f"{NET}/routers/{mine['id']}/add_router_interface"
        answer = await cloud.call("PUT", add, json_={"port_id": foreign["id"]})
        assert kind(answer) == (404, "PortNotFound")

    play(tmp_path, body)
