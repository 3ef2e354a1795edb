"""Servers in a whole cloud with simulated hosts: what happens to them without being asked."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

from cumulo.compute.agent import ComputeAgent
from cumulo.compute.drivers.fake import FakeDriver, Fault
from tests.support.cloud import Answer, TestCloud, running_cloud

SERVERS = "/compute/v2.1/servers"


def driver_of(cloud: TestCloud, index: int = 0) -> FakeDriver:
    part = cloud.cloud.agents[index].parts["compute"]
    assert isinstance(part, ComputeAgent)
    assert isinstance(part.driver, FakeDriver)
    return part.driver


async def make(cloud: TestCloud, **more: Any) -> str:
    wish = {"name": "one", "flavorRef": "42", "imageRef": cloud.image, **more}
    answer = await cloud.call("POST", SERVERS, json_={"server": wish})
    assert answer.status == 202, answer.raw
    server_id: str = answer.json["server"]["id"]
    await cloud.until(f"{SERVERS}/{server_id}", is_now("ACTIVE"))
    return server_id


def is_now(status: str) -> Any:
    def accept(answer: Answer) -> bool:
        return answer.status == 200 and answer.json["server"]["status"] == status

    return accept


def test_a_killed_guest_is_shut_off_with_its_reason(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            driver_of(cloud).kill(server_id)
            await cloud.until(f"{SERVERS}/{server_id}", is_now("SHUTOFF"))
            database = cloud.cloud.database
            compute = cloud.cloud.services.compute
            assert compute is not None
            row = await database.read(lambda tx: compute.servers.find(tx, server_id))
            assert row is not None
            assert "signal 9" in (row.reason or "")
            assert row.power == "off"
            start = {"os-start": None}
            await cloud.call("POST", f"{SERVERS}/{server_id}/action", json_=start)
            await cloud.until(f"{SERVERS}/{server_id}", is_now("ACTIVE"))

    asyncio.run(story())


def test_a_volume_that_is_being_detached_is_not_detached_again(tmp_path: Path) -> None:
    """The compute API's refusal is block storage's own: 400 while it is under way (a state that
    the volume is not in), 404 when it is done."""

    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            made = await cloud.call("POST", "/volume/v3/volumes", json_={"volume": {"size": 1}})
            volume = f"/volume/v3/volumes/{made.json['volume']['id']}"
            await cloud.until(volume, lambda a: a.json["volume"]["status"] == "available")
            attachments = f"{SERVERS}/{server_id}/os-volume_attachments"
            wish = {"volumeAttachment": {"volumeId": made.json["volume"]["id"]}}
            assert (await cloud.call("POST", attachments, json_=wish)).status == 200
            await cloud.until(volume, lambda a: a.json["volume"]["status"] == "in-use")
            driver_of(cloud).faults["detach_disk"] = Fault("the guest holds it", count=1)
            one = f"{attachments}/{made.json['volume']['id']}"
            assert (await cloud.call("DELETE", one)).status == 202
            assert (await cloud.call("GET", volume)).json["volume"]["status"] == "detaching"
            again = await cloud.call("DELETE", one)
            assert again.status == 400
            assert "must be 'in-use'" in again.json["badRequest"]["message"]
            await cloud.until(volume, lambda a: a.json["volume"]["status"] == "available")
            assert (await cloud.call("DELETE", one)).status == 404

    asyncio.run(story())


def test_guests_are_spread_and_grouped(tmp_path: Path) -> None:
    async def story() -> None:
        settings = {"fake": 3}
        async with running_cloud(tmp_path, hosts=settings) as cloud:
            group = {"server_group": {"name": "apart", "policies": ["anti-affinity"]}}
            made = await cloud.call("POST", "/compute/v2.1/os-server-groups", json_=group)
            group_id = made.json["server_group"]["id"]
            wish = {"name": "g", "flavorRef": "42", "imageRef": cloud.image, "min_count": 4}
            body = {"server": wish, "os:scheduler_hints": {"group": group_id}}
            assert (await cloud.call("POST", SERVERS, json_=body)).status == 202

            def settled(answer: Answer) -> bool:
                return not any(s["status"] == "BUILD" for s in answer.json["servers"])

            answer = await cloud.until(f"{SERVERS}/detail?all_tenants=1", settled, as_="admin")
            hosts = [s["OS-EXT-SRV-ATTR:host"] for s in answer.json["servers"]]
            assert sorted(h for h in hosts if h) == ["fake-0001", "fake-0002", "fake-0003"]
            states = sorted(s["status"] for s in answer.json["servers"])
            assert states == ["ACTIVE", "ACTIVE", "ACTIVE", "ERROR"]

    asyncio.run(story())


def test_soft_policies_are_wishes(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            for policy, wanted in (("soft-anti-affinity", [2, 2]), ("soft-affinity", [4])):
                group = {"server_group": {"name": policy, "policies": [policy]}}
                made = await cloud.call(
                    "POST",
                    "/compute/v2.1/os-server-groups",
                    json_=group,
                    headers={"openstack-api-version": "compute 2.15"},
                )
                hints = {"group": made.json["server_group"]["id"]}
                wish = {"name": policy, "flavorRef": "42", "imageRef": cloud.image}
                body = {"server": {**wish, "min_count": 4}, "os:scheduler_hints": hints}
                assert (await cloud.call("POST", SERVERS, json_=body)).status == 202
                answer = await cloud.until(
                    f"{SERVERS}/detail?all_tenants=1&name={policy}",
                    lambda a: all(s["status"] == "ACTIVE" for s in a.json["servers"]),
                    as_="admin",
                )
                hosts = [s["OS-EXT-SRV-ATTR:host"] for s in answer.json["servers"]]
                assert sorted(hosts.count(name) for name in set(hosts)) == wanted, policy
                for each in answer.json["servers"]:
                    await cloud.call("DELETE", f"{SERVERS}/{each['id']}")
                await cloud.until(SERVERS, lambda a: a.json["servers"] == [])

    asyncio.run(story())


def test_metadata_and_config_drive_tell_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        own = {"vendordata": {"cloud-init": "#cloud-config"}}
        async with running_cloud(tmp_path, compute=own) as cloud:
            data = base64.b64encode(b"#!/bin/sh\necho hello\n").decode()
            server_id = await make(cloud, user_data=data, metadata={"colour": "red"})
            compute = cloud.cloud.services.compute
            assert compute is not None

            interfaces = await cloud.call("GET", f"{SERVERS}/{server_id}/os-interface")
            port_id = interfaces.json["interfaceAttachments"][0]["port_id"]

            async def ask(path: str, method: str = "GET", body: bytes = b"") -> Any:
                return await cloud.cloud.database.write(
                    lambda tx: compute.metadata.answer(tx, server_id, port_id, method, path, body)
                )

            found = json.loads((await ask("/openstack/latest/meta_data.json")).body)
            assert found["uuid"] == server_id
            assert found["meta"] == {"colour": "red"}
            vendor = json.loads((await ask("/openstack/latest/vendor_data.json")).body)
            assert vendor == {"cloud-init": "#cloud-config"}
            assert found["devices"] == []
            nic = {"interfaceAttachment": {"net_id": await cloud.private_network(), "tag": "two"}}
            path = f"{SERVERS}/{server_id}/os-interface"
            newer = {"openstack-api-version": "compute 2.49"}
            assert (await cloud.call("POST", path, json_=nic, headers=newer)).status == 200
            found = json.loads((await ask("/openstack/latest/meta_data.json")).body)
            assert [each["tags"] for each in found["devices"]] == [["two"]]
            assert len(base64.b64decode(found["random_seed"])) == 512
            assert (await ask("/openstack/latest/user_data")).body.startswith(b"#!/bin/sh")
            network = json.loads((await ask("/openstack/latest/network_data.json")).body)
            assert network["networks"][0]["type"] == "ipv4_dhcp"
            assert (await ask("/2009-04-04/meta-data/instance-type")).body == b"m1.nano"
            assert b"local-ipv4" in (await ask("/latest/meta-data/")).body
            assert (await ask("/latest/meta-data/nothing")).status == 404
            assert (await ask("/openstack/latest/password", "POST", b"secret")).status == 200
            assert (await ask("/openstack/latest/password", "POST", b"again")).status == 409
            assert (await ask("/openstack/latest/password")).body == b"secret"
            listed = (await ask("/openstack/latest")).body.decode().splitlines()
            assert "meta_data.json" in listed
            assert "files" not in found and (await ask("/openstack/content/0000")).status == 404
            await told_without_dhcp(cloud)
            await devices_as_asked(cloud)

    asyncio.run(story())


async def devices_as_asked(cloud: TestCloud) -> None:
    """A guest has its network cards as the request lists them, however old a port is: the first
    one is where most images look for their address."""
    network_id = await cloud.private_network()
    old = await cloud.call(
        "POST", "/network/v2.0/ports", json_={"port": {"network_id": network_id}}
    )
    old_id = old.json["port"]["id"]
    nics = [{"uuid": network_id}, {"port": old_id}, {"uuid": network_id}]
    server_id = await make(cloud, networks=nics)
    part = cloud.cloud.conductor.parts["compute"]

    def wanted() -> list[str]:
        order = cloud.cloud.database.read_now(  # type: ignore[attr-defined]
            lambda tx: part.items(tx, "fake-host", [server_id])[server_id]
        )
        return [each.port_id for each in order.nics]

    first = wanted()
    assert len(first) == 3 and first[1] == old_id
    path = f"{SERVERS}/{server_id}/os-interface"
    assert (await cloud.call("DELETE", f"{path}/{old_id}")).status == 202
    nics_path = f"/network/v2.0/ports/{old_id}"
    await cloud.until(nics_path, lambda a: not a.json["port"]["device_id"])
    again = {"interfaceAttachment": {"port_id": old_id}}
    assert (await cloud.call("POST", path, json_=again)).status == 200
    assert wanted() == [first[0], first[2], old_id]


async def told_without_dhcp(cloud: TestCloud) -> None:
    """What nobody else tells a guest, and the files that it is to have, are on its drive."""
    network = {"network": {"name": "static"}}
    made = await cloud.call("POST", "/network/v2.0/networks", json_=network)
    network_id = made.json["network"]["id"]
    subnet = {
        "network_id": network_id,
        "ip_version": 4,
        "cidr": "192.0.2.0/26",
        "enable_dhcp": False,
        "dns_nameservers": ["198.51.100.1"],
        "host_routes": [{"destination": "203.0.113.0/24", "nexthop": "192.0.2.9"}],
    }
    await cloud.call("POST", "/network/v2.0/subnets", json_={"subnet": subnet})
    file = {"path": "/etc/motd", "contents": base64.b64encode(b"hello").decode()}
    nic = {"uuid": network_id, "fixed_ip": "192.0.2.20"}
    server_id = await make(cloud, networks=[nic], personality=[file], config_drive=True)
    compute = cloud.cloud.services.compute
    assert compute is not None
    part = cloud.cloud.conductor.parts["compute"]
    order = cloud.cloud.database.read_now(  # type: ignore[attr-defined]
        lambda tx: part.items(tx, "fake-host", [server_id])[server_id]
    )
    drive = order.config_drive
    told = json.loads(drive["openstack/latest/network_data.json"])
    (shown,) = told["networks"]
    assert (shown["type"], shown["ip_address"]) == ("ipv4", "192.0.2.20")
    assert shown["netmask"] == "255.255.255.192"
    assert shown["routes"] == [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"},
        {"network": "203.0.113.0", "netmask": "255.255.255.0", "gateway": "192.0.2.9"},
    ]
    assert told["services"] == [{"type": "dns", "address": "198.51.100.1"}]
    files = json.loads(drive["openstack/latest/meta_data.json"])["files"]
    assert files == [{"content_path": "/content/0000", "path": "/etc/motd"}]
    assert drive["openstack/content/0000"] == b"hello"
    many = [file] * 6
    wish = {"name": "many", "flavorRef": "42", "imageRef": cloud.image, "networks": [nic]}
    for personality, status in (
        (many, 403),
        ([file | {"contents": "!"}], 400),
        ([{"contents": "eA=="}], 400),
        ([file | {"contents": "eHh4" * 4000}], 403),
        ([file | {"path": "/" + "x" * 255}], 403),
    ):
        body = {"server": wish | {"personality": personality}}
        assert (await cloud.call("POST", SERVERS, json_=body)).status == status


def test_no_way_onto_the_external_network(tmp_path: Path) -> None:
    """Users have routers and floating IPs for it: a port there is no way around that."""

    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            networks = (await cloud.call("GET", "/network/v2.0/networks")).json["networks"]
            outside = next(each["id"] for each in networks if each["router:external"])
            port = await cloud.call(
                "POST", "/network/v2.0/ports", json_={"port": {"network_id": outside}}
            )
            assert port.status == 201
            by_port = {"port": port.json["port"]["id"]}
            wish = {"name": "one", "flavorRef": "42", "imageRef": cloud.image}
            for nic in ({"uuid": outside}, by_port):
                body = {"server": {**wish, "networks": [nic]}}
                answer = await cloud.call("POST", SERVERS, json_=body)
                assert answer.status == 403 and b"external network" in answer.raw, answer.raw
            server_id = await make(cloud)
            for nic in ({"net_id": outside}, {"port_id": by_port["port"]}):
                body = {"interfaceAttachment": nic}
                path = f"{SERVERS}/{server_id}/os-interface"
                answer = await cloud.call("POST", path, json_=body)
                assert answer.status == 403, answer.raw

    asyncio.run(story())


def test_a_websocket_is_not_had_by_a_request(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            for query in ("", "?token=abc"):
                answer = await cloud.request("GET", f"/compute/console{query}")
                assert answer.status == 400 and b"websocket" in answer.raw, answer.raw

    asyncio.run(story())


def test_everything_is_given_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            await cloud.call("DELETE", f"{SERVERS}/{server_id}")
            await cloud.until(f"{SERVERS}/{server_id}", lambda answer: answer.status == 404)
            provider = (await cloud.call("GET", "/placement/resource_providers", as_="admin")).json
            where = provider["resource_providers"][0]["uuid"]
            usages = await cloud.call(
                "GET", f"/placement/resource_providers/{where}/usages", as_="admin"
            )
            assert set(usages.json["usages"].values()) == {0}
            assert await driver_of(cloud).list() == []

    asyncio.run(story())
