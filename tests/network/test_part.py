"""The host part with the fake driver: what is created gets wired, what is deleted goes, faults
show, and what compute asks for."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.network.agent import NetworkHostPart
from cumulo.network.drivers.fake import FakeNetworkDriver
from cumulo.network.interface import NicRequest
from cumulo.network.model.orders import HostNetworksReport, Observed
from cumulo.network.model.port import PortRow
from tests.support.cloud import TestCloud, running_cloud

HOST = "fake-host"
Body = Callable[[TestCloud], Awaitable[None]]


def play(folder: Path, body: Body) -> None:
    async def main() -> None:
        async with running_cloud(folder) as cloud:
            await cloud.token("demo")
            await body(cloud)

    asyncio.run(main())


def driver_of(cloud: TestCloud) -> FakeNetworkDriver:
    part = cloud.cloud.agents[0].parts["network"]
    assert isinstance(part, NetworkHostPart) and isinstance(part.driver, FakeNetworkDriver)
    return part.driver


def demo(cloud: TestCloud) -> Principal:
    return Principal(
        user_id="u",
        user_name="demo",
        user_domain_id="default",
        project_id=cloud.projects["demo"],
        roles=("member", "reader"),
    )


async def until(check: Callable[[], bool]) -> None:
    end = asyncio.get_running_loop().time() + 10
    while not check():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


def plug(
    cloud: TestCloud, server: str, nics: Any = "auto", **more: Any
) -> Callable[[Tx], list[Any]]:
    network = cloud.cloud.services.network
    return lambda tx: network.plug_server(
        tx,
        demo(cloud),
        server_id=server,
        hostname=server,
        host_id=HOST,
        zone="nova",
        nics=nics,
        **more,
    )


def test_a_server_is_plugged_and_unplugged(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        network, database = cloud.cloud.services.network, cloud.cloud.database
        made = await database.write(plug(cloud, "s1"))
        assert [info.network_name for info in made] == ["private"]
        assert made[0].security_groups == ("default",) and made[0].mtu == 1450
        port_id = made[0].id
        await cloud.until(
            f"/network/v2.0/ports/{port_id}", lambda a: a.json["port"]["status"] == "ACTIVE"
        )
        desired = driver_of(cloud).desired
        assert desired is not None
        spec = next(port for port in desired.ports if port.id == port_id)
        assert spec.hostname == "s1" and spec.device_id == "s1"
        assert spec.fixed_ips[0].address == made[0].fixed_ips[0].ip_address
        (group,) = desired.security_groups
        assert group.members == (spec.fixed_ips[0].address,) and len(group.rules) == 4
        router = desired.routers[0]
        assert router.gateway is not None and router.gateway.nexthops == ("172.24.4.1",)
        assert router.interfaces[0].addresses == ("10.0.0.1/24",)
        seen = await database.read(lambda tx: network.ports_of(tx, ["s1", "s2"]))
        assert list(seen) == ["s1"] and seen["s1"][0].status == "ACTIVE"
        await database.write(lambda tx: network.unplug_server(tx, "s1"))
        await until(lambda: not driver_of(cloud).desired.ports)  # type: ignore[union-attr]
        answer = await cloud.call("GET", f"/network/v2.0/ports/{port_id}")
        assert answer.status == 404

    play(tmp_path, body)


def test_a_given_port_stays_when_the_server_goes(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        network, database = cloud.cloud.services.network, cloud.cloud.database
        nets = (await cloud.call("GET", "/network/v2.0/networks?name=private")).json["networks"]
        made = await cloud.call(
            "POST", "/network/v2.0/ports", json_={"port": {"network_id": nets[0]["id"]}}
        )
        port_id = made.json["port"]["id"]
        nics = [NicRequest(port_id=port_id), NicRequest(network_id=nets[0]["id"], tag="second")]
        infos = await database.write(plug(cloud, "s1", nics))
        assert infos[0].id == port_id and infos[1].tag == "second"
        with pytest.raises(Conflict):
            await database.write(plug(cloud, "s2", [NicRequest(port_id=port_id)]))
        await database.write(lambda tx: network.unplug_server(tx, "s1"))
        answer = await cloud.call("GET", f"/network/v2.0/ports/{port_id}")
        port = answer.json["port"]
        assert (port["device_id"], port["device_owner"], port["status"]) == ("", "", "DOWN")
        gone = await cloud.call("GET", f"/network/v2.0/ports/{infos[1].id}")
        assert gone.status == 404

    play(tmp_path, body)


def test_refusals_of_compute_s_wishes(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        database = cloud.cloud.database
        for nic in (NicRequest(network_id="nowhere"), NicRequest(port_id="nothing")):
            with pytest.raises(BadRequest):
                await database.write(plug(cloud, "s1", [nic]))
        await cloud.call("POST", "/network/v2.0/networks", json_={"network": {"name": "empty"}})
        assert len(await database.write(plug(cloud, "s1"))) == 1, "a network without subnets counts"
        made = await cloud.call(
            "POST", "/network/v2.0/networks", json_={"network": {"name": "other"}}
        )
        other = made.json["network"]["id"]
        subnet = {"network_id": other, "cidr": "10.5.0.0/24", "ip_version": 4}
        await cloud.call("POST", "/network/v2.0/subnets", json_={"subnet": subnet})
        with pytest.raises(Conflict):
            await database.write(plug(cloud, "s2"))
        assert await database.write(plug(cloud, "s3", "none")) == []

    play(tmp_path, body)


def test_members_of_a_named_group_reach_the_host(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        database = cloud.cloud.database
        (first,) = await database.write(plug(cloud, "s1"))
        (second,) = await database.write(plug(cloud, "s2"))
        both = {first.fixed_ips[0].ip_address, second.fixed_ips[0].ip_address}
        driver = driver_of(cloud)

        def members() -> set[str]:
            assert driver.desired is not None
            return {m for group in driver.desired.security_groups for m in group.members}

        await until(lambda: members() == both)
        await database.write(
            lambda tx: cloud.cloud.services.network.unplug(tx, second.id), name="unplug"
        )
        await until(lambda: members() == {first.fixed_ips[0].ip_address})

    play(tmp_path, body)


def test_a_fault_shows_and_its_reason_is_in_the_history(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        driver = driver_of(cloud)
        made = await cloud.call("POST", "/network/v2.0/routers", json_={"router": {"name": "r"}})
        router_id = made.json["router"]["id"]
        driver.faults[router_id] = "no room for a namespace"
        body = {"router": {"name": "again"}}
        await cloud.call("PUT", f"/network/v2.0/routers/{router_id}", json_=body)
        path = f"/network/v2.0/routers/{router_id}"
        await cloud.until(path, lambda a: a.json["router"]["status"] == "ERROR")
        del driver.faults[router_id]
        body = {"router": {"name": "better"}}
        await cloud.call("PUT", path, json_=body)
        await cloud.until(path, lambda a: a.json["router"]["status"] == "ACTIVE")

    play(tmp_path, body)


def test_a_report_that_is_older_than_the_change_is_not_taken(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        database, part = cloud.cloud.database, cloud.cloud.conductor.parts["network"]
        (info,) = await database.write(plug(cloud, "s1"))
        port = await database.read(lambda tx: tx.get(PortRow, info.id))
        assert port is not None and port.generation > 0
        stale = HostNetworksReport(port.generation - 1, ports=(Observed(info.id, "DOWN", "old"),))
        await database.write(lambda tx: part.observed(tx, HOST, stale))
        after = await database.read(lambda tx: tx.get(PortRow, info.id))
        assert after is not None and after.fault is None
        fresh = msgspec.structs.replace(stale, generation=port.generation)
        await database.write(lambda tx: part.observed(tx, HOST, fresh))
        seen = await database.read(lambda tx: tx.get(PortRow, info.id))
        assert seen is not None and (seen.fault, seen.status) == ("old", "DOWN")

    play(tmp_path, body)


def test_what_was_made_without_a_host_is_taken_over_by_the_first_one(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        database, registry = cloud.cloud.database, cloud.cloud.registry
        await database.write(lambda tx: registry.enable(tx, HOST, False))
        made = await cloud.call("POST", "/network/v2.0/routers", json_={"router": {"name": "r"}})
        router_id = made.json["router"]["id"]
        driver = driver_of(cloud)
        assert driver.desired is not None
        assert router_id not in {router.id for router in driver.desired.routers}
        await database.write(lambda tx: registry.enable(tx, HOST, True))
        await database.write(lambda tx: registry.touch(tx, HOST, "network"))
        await until(
            lambda: (
                driver.desired is not None
                and router_id in {router.id for router in driver.desired.routers}
            )
        )

    play(tmp_path, body)
