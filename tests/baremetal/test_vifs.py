"""VIFs on fake hardware: whose ports they may be, what becomes of the ports, where wires end."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.compute.test_metal import NODES, a_flavor, a_node, ask, is_in, run
from tests.compute.test_moves import SERVERS, now
from tests.support.cloud import TestCloud

PORTS = "/network/v2.0/ports"
MAC = "52:54:00:aa:bb:{:02x}"
Story = Callable[[TestCloud], Awaitable[None]]


async def network(cloud: TestCloud, as_: str = "demo") -> str:
    made = await cloud.call("POST", "/network/v2.0/networks", as_=as_, json_={"network": {}})
    id = str(made.json["network"]["id"])
    wish = {"network_id": id, "ip_version": 4, "cidr": "10.20.0.0/24"}
    await cloud.call("POST", "/network/v2.0/subnets", as_=as_, json_={"subnet": wish})
    return id


async def port(cloud: TestCloud, network: str, as_: str = "demo") -> str:
    made = await cloud.call("POST", PORTS, as_=as_, json_={"port": {"network_id": network}})
    assert made.status == 201, made.raw
    return str(made.json["port"]["id"])


async def shown(cloud: TestCloud, port: str) -> Any:
    return (await cloud.call("GET", f"{PORTS}/{port}", as_="admin")).json["port"]


async def metal(cloud: TestCloud, name: str, cards: int = 1, **more: Any) -> str:
    node = await a_node(cloud, name, network_interface="neutron", **more)
    number = len((await ask(cloud, "GET", "/baremetal/v1/ports"))["ports"])
    for card in range(number, number + cards):
        wish = {"node_uuid": node, "address": MAC.format(card)}
        await ask(cloud, "POST", "/baremetal/v1/ports", wish)
    return node


async def vifs(cloud: TestCloud, node: str) -> list[str]:
    return [each["id"] for each in (await ask(cloud, "GET", f"{NODES}/{node}/vifs"))["vifs"]]


async def attach(cloud: TestCloud, node: str, vif: str, status: int = 204) -> Any:
    return await ask(cloud, "POST", f"{NODES}/{node}/vifs", {"id": vif}, status=status)


async def provision(cloud: TestCloud, node: str, verb: str, state: str, **more: Any) -> None:
    wish = {"target": verb, **more}
    await ask(cloud, "PUT", f"{NODES}/{node}/states/provision", wish)
    await is_in(cloud, node, state)


def wires(folder: Path, node: str) -> dict[str, str]:
    """What the machine's switch has."""
    found: dict[str, str] = json.loads(next(folder.rglob(f"fake/{node}*")).read_bytes())["wires"]
    return found


def test_a_vifs_way(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node = await metal(cloud, "m1", cards=2)
        assert set(wires(tmp_path, node).values()) <= {"nothing"}
        own, there = await network(cloud), await network(cloud)
        first, second = await port(cloud, own), await port(cloud, there)
        before = (await shown(cloud, first))["mac_address"]
        await attach(cloud, node, first)
        assert await vifs(cloud, node) == [first]
        found = await shown(cloud, first)
        assert (found["mac_address"], found["device_owner"]) == (MAC.format(0), "baremetal:none")
        assert (found["device_id"], found["binding:host_id"]) == (node, "")

        await provision(cloud, node, "active", "active")
        assert (await shown(cloud, first))["binding:host_id"] == node
        here = wires(tmp_path, node)
        assert here == {MAC.format(0): f"tap{first[:11]}", MAC.format(1): "nothing"}
        # Of a machine that runs: at once.
        await attach(cloud, node, second)
        await until(lambda: wires(tmp_path, node)[MAC.format(1)] == f"tap{second[:11]}")
        await ask(cloud, "DELETE", f"{NODES}/{node}/vifs/{second}", status=204)
        await until(lambda: wires(tmp_path, node)[MAC.format(1)] == "nothing")
        assert (await shown(cloud, second))["device_owner"] == ""

        await ask(cloud, "PUT", f"{NODES}/{node}/states/power", {"target": "rebooting"})
        await is_in(cloud, node, "active")
        # A ramdisk is on it, which the tenant's network does not see, and then the tenant's own.
        await provision(cloud, node, "rescue", "rescue", rescue_password="let-me-in")
        assert set(wires(tmp_path, node).values()) == {"provisioning"}
        assert (await shown(cloud, first))["binding:host_id"] == ""
        await provision(cloud, node, "unrescue", "active")
        assert wires(tmp_path, node) == here

        await provision(cloud, node, "deleted", "available")
        assert set(wires(tmp_path, node).values()) == {"nothing"}
        assert await vifs(cloud, node) == []
        found = await shown(cloud, first)
        assert (found["device_id"], found["binding:host_id"]) == ("", "")
        assert found["mac_address"] not in (before, MAC.format(0))

    run(tmp_path, story)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError


def test_vifs_that_are_refused(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node = await metal(cloud, "m1", cards=2)
        for nonsense in ("none", "00000000-0000-0000-0000-000000000000"):
            told = await attach(cloud, node, nonsense, 400)
            assert "could not be found" in str(told)
        mine = await port(cloud, await network(cloud))
        await attach(cloud, node, mine)
        assert "already attached" in str(await attach(cloud, node, mine, 409))
        other = await metal(cloud, "m2")
        assert "still in use" in str(await attach(cloud, other, mine, 409))
        # A lessee's node, and a port of somebody else's.
        project = (await cloud.call("GET", f"{PORTS}/{mine}")).json["port"]["project_id"]
        await ask(
            cloud, "PATCH", f"{NODES}/{node}", [{"op": "add", "path": "/lessee", "value": project}]
        )
        foreign = await port(cloud, await network(cloud, "admin"), "admin")
        headers = {"x-openstack-ironic-api-version": "1.87"}
        vifs_ = f"{NODES}/{node}/vifs"
        told = await cloud.call("POST", vifs_, json_={"id": foreign}, headers=headers)
        assert (told.status, "could not be found" in str(told.json)) == (400, True), told.raw
        assert (await shown(cloud, foreign))["device_owner"] == ""
        # A wire that cannot be set: the node says so, and is not stuck.
        await provision(cloud, node, "active", "active")
        info = [{"op": "add", "path": "/driver_info/fake_fault", "value": "network"}]
        await ask(cloud, "PATCH", f"{NODES}/{node}", info)
        await ask(cloud, "DELETE", f"{vifs_}/{mine}", status=204)
        found = await cloud.until(
            f"{NODES}/{node}", lambda a: a.json["last_error"], as_="admin", headers=headers
        )
        assert "network fails" in found.json["last_error"]
        assert (found.json["provision_state"], found.json["reservation"]) == ("active", None)

    run(tmp_path, story)


def test_a_machine_that_its_tenant_has_not_is_off_when_it_starts(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node = await metal(cloud, "m1")
        vif = await port(cloud, await network(cloud))
        await attach(cloud, node, vif)
        # Given up with the ramdisk's wire; the image is on the disk.
        hold = {"interface": "deploy", "step": "hold", "args": {}, "priority": 50}
        await provision(cloud, node, "active", "deploy hold", deploy_steps=[hold])
        states = f"{NODES}/{node}/states/provision"
        newest = {"x-openstack-ironic-api-version": "1.110"}
        abort = {"target": "abort"}
        told = await cloud.call("PUT", states, as_="admin", json_=abort, headers=newest)
        assert told.status == 202, told.raw
        await is_in(cloud, node, "deploy failed")
        assert wires(tmp_path, node) == {MAC.format(0): "provisioning"}
        await power(cloud, node, "rebooting")
        assert wires(tmp_path, node) == {MAC.format(0): "nothing"}
        await provision(cloud, node, "active", "active")
        for target in ("rebooting", "power on", "soft rebooting"):
            await provision(cloud, node, "rescue", "rescue", rescue_password="let-me-in")
            assert wires(tmp_path, node) == {MAC.format(0): "provisioning"}
            await power(cloud, node, target)
            assert wires(tmp_path, node) == {MAC.format(0): "nothing"}
        await provision(cloud, node, "unrescue", "active")
        await power(cloud, node, "rebooting")
        assert wires(tmp_path, node) == {MAC.format(0): f"tap{vif[:11]}"}

    run(tmp_path, story)


async def power(cloud: TestCloud, node: str, target: str) -> None:
    await ask(cloud, "PUT", f"{NODES}/{node}/states/power", {"target": target})
    headers = {"x-openstack-ironic-api-version": "1.87"}
    found = await cloud.until(
        f"{NODES}/{node}",
        lambda a: a.json["target_power_state"] is None,
        as_="admin",
        headers=headers,
    )
    assert found.json["last_error"] is None


def test_vifs_that_were_kept_before_are_not_anybodys_ports(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node, flavor = await metal(cloud, "m1"), await a_flavor(cloud)
        wish = {
            "name": "m", "flavorRef": flavor, "imageRef": cloud.image,
            "networks": [{"uuid": await network(cloud)}],
        }  # fmt: skip
        server = (await cloud.call("POST", SERVERS, json_={"server": wish})).json["server"]["id"]
        await now(cloud, server, "ACTIVE")
        [victim] = await vifs(cloud, node)
        before = await shown(cloud, victim)
        other = await a_node(cloud, "m2", network_interface="noop")
        card = {"node_uuid": other, "address": "52:54:00:bb:00:01"}
        await ask(cloud, "POST", "/baremetal/v1/ports", card)
        await attach(cloud, other, victim)
        to = [{"op": "add", "path": "/network_interface", "value": "neutron"}]
        told = await ask(cloud, "PATCH", f"{NODES}/{other}", to, status=409)
        assert "network_interface" in str(told)
        # As one finds it after an upgrade; even a node that is said to be that server's.
        for instance in (None, server):
            await turned(cloud, other, node, instance)
            await provision(cloud, other, "active", "active")
            assert wires(tmp_path, other) == {card["address"]: "nothing"}
            await provision(cloud, other, "rescue", "rescue", rescue_password="let-me-in")
            assert await shown(cloud, victim) == before
            await provision(cloud, other, "deleted", "available")
            assert await shown(cloud, victim) == before
            await ask(cloud, "PATCH", f"{NODES}/{other}", [{**to[0], "value": "noop"}])
            await attach(cloud, other, victim)
        await ask(cloud, "DELETE", f"{NODES}/{other}/vifs/{victim}", status=204)
        await ask(cloud, "PATCH", f"{NODES}/{other}", to)

    run(tmp_path, story)


async def turned(cloud: TestCloud, id: str, other: str, instance: str | None) -> None:
    """A node to `neutron` as it stands; `other` is said not to have the instance."""

    def write(tx: Any) -> None:
        nodes = cloud.cloud.services.baremetal.nodes
        row = nodes.get(tx, id)
        if instance is not None:
            tx.update(nodes.get(tx, other), instance_uuid=None)
        interfaces = {**row.interfaces, "network": "neutron"}
        tx.update(row, interfaces=interfaces, instance_uuid=instance)

    await cloud.cloud.database.write(write)


def test_a_servers_ports_are_its_nodes(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node, flavor = await metal(cloud, "m1", cards=2), await a_flavor(cloud)
        net = await network(cloud)
        wish = {
            "name": "m", "flavorRef": flavor, "imageRef": cloud.image,
            "networks": [{"uuid": net}],
        }  # fmt: skip
        made = await cloud.call("POST", SERVERS, json_={"server": wish})
        id = made.json["server"]["id"]
        await now(cloud, id, "ACTIVE")
        [vif] = await vifs(cloud, node)
        found = await shown(cloud, vif)
        assert (found["device_id"], found["mac_address"]) == (id, MAC.format(0))
        assert found["binding:host_id"] == node
        assert wires(tmp_path, node)[MAC.format(0)] == f"tap{vif[:11]}"
        [link] = json.loads(await drive(cloud, node))["links"]
        assert link["ethernet_mac_address"] == MAC.format(0)

        more = {"interfaceAttachment": {"net_id": await network(cloud)}}
        plugs = f"{SERVERS}/{id}/os-interface"
        second = (await cloud.call("POST", plugs, json_=more)).json["interfaceAttachment"]
        assert second["mac_addr"] == MAC.format(1)
        await until(lambda: wires(tmp_path, node)[MAC.format(1)] != "nothing")
        third = await cloud.call("POST", plugs, json_=more)
        assert (third.status, "free physical ports" in str(third.json)) == (400, True), third.raw
        assert (await cloud.call("DELETE", f"{plugs}/{second['port_id']}")).status == 202
        await until(lambda: wires(tmp_path, node)[MAC.format(1)] == "nothing")
        assert await vifs(cloud, node) == [vif]

        assert (await cloud.call("DELETE", f"{SERVERS}/{id}")).status == 204
        await cloud.until(f"{SERVERS}/{id}", lambda a: a.status == 404)
        await is_in(cloud, node, "available")
        assert await vifs(cloud, node) == []
        assert (await cloud.call("GET", f"{PORTS}/{vif}", as_="admin")).status == 404

    run(tmp_path, story)


async def drive(cloud: TestCloud, node: str) -> str:
    """What the node's config drive says of the network."""

    def read(tx: Any) -> str:
        nodes = cloud.cloud.services.baremetal.nodes
        info = nodes.instance_info(nodes.get(tx, node))
        return json.dumps(info["configdrive"]["network_data"])

    return await cloud.cloud.database.read(read)
