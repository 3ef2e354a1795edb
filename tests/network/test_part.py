"""The host part with the fake driver: what is created gets wired, what is deleted goes, faults
show, and what compute asks for."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.hosts.messages import Report, Seen
from cumulo.core.hosts.model import ItemRow
from cumulo.network.agent import NetworkHostPart
from cumulo.network.drivers.fake import FakeNetworkDriver
from cumulo.network.interface import NicRequest
from cumulo.network.model.orders import Observed, SeenThing
from cumulo.network.model.port import PortRow
from tests.support.cloud import TestCloud, running_cloud
from tests.support.restore import put_copy_back

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
    """The ports as they are shown, in the asked order."""
    network = cloud.cloud.services.network

    def work(tx: Tx) -> list[Any]:
        ids = network.plug_server(
            tx,
            demo(cloud),
            server_id=server,
            hostname=server,
            host_id=HOST,
            zone="nova",
            nics=nics,
            **more,
        )
        made = {info.id: info for info in network.ports_of(tx, [server]).get(server, ())}
        return [made[id] for id in ids]

    return work


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
            groups = () if driver.desired is None else driver.desired.security_groups
            return {m for group in groups for m in group.members}

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


def test_reports_that_are_old_foreign_or_doubled(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        database, conductor = cloud.cloud.database, cloud.cloud.conductor
        registry = cloud.cloud.registry
        (info,) = await database.write(plug(cloud, "s1"))
        path = f"/network/v2.0/ports/{info.id}"
        await cloud.until(path, lambda a: a.json["port"]["status"] == "ACTIVE")
        item_id = f"port/{info.id}"

        def find(tx: Tx) -> tuple[str, int]:
            registry.register(tx, "other", ["network"])
            item = tx.get(ItemRow, HOST, "network", item_id)
            assert item is not None
            return registry.cloud_id(tx), item.version

        cloud_id, version = await database.write(find)

        async def say(version: int, host: str = HOST, epoch: int = 1, **more: Any) -> Any:
            items = [Seen(id=item_id, version=version, **more)]
            report = Report(kind="network", cloud=cloud_id, epoch=epoch, upto=1, items=items)
            return await conductor.report(host, report)

        down = {"state": SeenThing(Observed(info.id, "DOWN", "an old story"))}
        await say(version - 1, **down)
        assert (await say(version, epoch=0, **down)).stale
        assert item_id in (await say(version, host="other", **down)).refused
        assert item_id in (await say(version, gone=True)).refused
        seen = await database.read(lambda tx: tx.get(PortRow, info.id))
        assert seen is not None and (seen.fault, seen.status) == (None, "ACTIVE")
        for _ in range(2):
            await say(version, **down)
        seen = await database.read(lambda tx: tx.get(PortRow, info.id))
        assert seen is not None and (seen.fault, seen.status) == ("an old story", "DOWN")

    play(tmp_path, body)


def test_a_host_has_what_its_ports_need_and_no_more(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        database = cloud.cloud.database
        registry = cloud.cloud.registry

        def on_host(tx: Tx) -> dict[str, int]:
            found = registry.items_since(tx, HOST, "network", 0, 1000)[0]
            nouns = [row.id.partition("/")[0] for row in found if not row.gone]
            return {noun: nouns.count(noun) for noun in set(nouns)}

        before = await database.read(on_host)
        assert before == {"network": 2, "router": 1}
        (first,) = await database.write(plug(cloud, "s1"))
        await database.write(plug(cloud, "s2"))
        assert await database.read(on_host) == {**before, "port": 2, "group": 1, "members": 1}
        await database.write(lambda tx: cloud.cloud.services.network.unplug(tx, first.id))
        assert await database.read(on_host) == {**before, "port": 1, "group": 1, "members": 1}
        await database.write(lambda tx: cloud.cloud.services.network.unplug_server(tx, "s2"))
        assert await database.read(on_host) == before

        # What is confirmed is forgotten on both sides.
        def gone(tx: Tx) -> list[str]:
            found = registry.items_since(tx, HOST, "network", 0, 1000)[0]
            return [row.id for row in found if row.gone]

        await until(lambda: not cloud.cloud.database.read_now(gone))  # type: ignore[attr-defined]
        desired = driver_of(cloud).desired
        assert desired is not None and not desired.security_groups and not desired.ports
        worker = cloud.cloud.agents[0].workers["network"]
        await until(lambda: not any(o.gone for o in worker.follower.journal.orders.values()))

    play(tmp_path, body)


def test_a_restored_copy_takes_no_network_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            cloud.cloud.database.keep_copy("yesterday")  # type: ignore[attr-defined]
            (info,) = await cloud.cloud.database.write(plug(cloud, "s1"))
            path = f"/network/v2.0/ports/{info.id}"
            await cloud.until(path, lambda a: a.json["port"]["status"] == "ACTIVE")
        put_copy_back(tmp_path, "yesterday")
        async with running_cloud(tmp_path) as cloud:
            found = await cloud.until(
                "/cumulo/hosts/unknown", lambda a: a.json["unknown"], as_="admin"
            )
            unknown = {each["id"]: each["facts"] for each in found.json["unknown"]}
            assert unknown[f"port/{info.id}"]["addresses"] == info.fixed_ips[0].ip_address
            desired = driver_of(cloud).desired
            assert desired is not None and [port.id for port in desired.ports] == [info.id]
            assert desired.security_groups[0].members, "its rules stay, too"
            await cloud.token("demo")
            (new,) = await cloud.cloud.database.write(plug(cloud, "s2"))
            path = f"/network/v2.0/ports/{new.id}"
            await cloud.until(path, lambda a: a.json["port"]["status"] == "ACTIVE")
            named = {"host": HOST, "kind": "network", "id": f"port/{info.id}"}
            answer = await cloud.call(
                "POST", "/cumulo/hosts/unknown/remove", as_="admin", json_=named
            )
            assert answer.status == 202, answer.raw
            driver = driver_of(cloud)
            await until(lambda: [port.id for port in driver.desired.ports] == [new.id])  # type: ignore[union-attr]

    asyncio.run(main())


def test_what_is_not_realised_is_not_active(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        driver = driver_of(cloud)
        for _ in range(50):
            driver.fail_next_apply("nft is not there")
        (info,) = await cloud.cloud.database.write(plug(cloud, "s1"))
        public = await cloud.call("GET", "/network/v2.0/networks?name=public")
        gateway = {"network_id": public.json["networks"][0]["id"]}
        wish = {"router": {"name": "r", "external_gateway_info": gateway}}
        made = await cloud.call("POST", "/network/v2.0/routers", json_=wish)
        router = f"/network/v2.0/routers/{made.json['router']['id']}"
        await cloud.until(router, lambda a: a.json["router"]["status"] == "ERROR")
        port = await cloud.call("GET", f"/network/v2.0/ports/{info.id}")
        assert port.json["port"]["status"] == "DOWN"
        story = await cloud.call("GET", f"/cumulo/why?of={router.rpartition('/')[2]}", as_="admin")
        assert "nft is not there" in str(story.json["events"])
        driver._fail_next.clear()
        await cloud.until(router, lambda a: a.json["router"]["status"] == "ACTIVE")
        path = f"/network/v2.0/ports/{info.id}"
        await cloud.until(path, lambda a: a.json["port"]["status"] == "ACTIVE")

    play(tmp_path, body)


def test_a_data_plane_that_hangs_or_fails_is_said_and_tried_again(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        driver = driver_of(cloud)
        for _ in range(2):
            driver.fail_next_apply("nft is not there")
        (info,) = await cloud.cloud.database.write(plug(cloud, "s1"))

        def trouble(answer: Any) -> bool:
            return "nft is not there" in str(answer.json["hosts"][0]["faults"].get("network"))

        await cloud.until("/cumulo/status", trouble, as_="admin")
        path = f"/network/v2.0/ports/{info.id}"
        await cloud.until(path, lambda a: a.json["port"]["status"] == "ACTIVE")
        await cloud.until("/cumulo/status", lambda a: not a.json["hosts"][0]["faults"], as_="admin")

    play(tmp_path, body)


def test_what_was_made_without_a_host_is_taken_over_by_the_first_one(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        database, registry = cloud.cloud.database, cloud.cloud.registry
        await database.write(lambda tx: registry.enable(tx, HOST, False))
        made = await cloud.call("POST", "/network/v2.0/routers", json_={"router": {"name": "r"}})
        router_id = made.json["router"]["id"]
        driver = driver_of(cloud)
        await until(lambda: driver.desired is not None)
        assert driver.desired is not None
        assert router_id not in {router.id for router in driver.desired.routers}
        await database.write(lambda tx: registry.enable(tx, HOST, True))
        await until(
            lambda: (
                driver.desired is not None
                and router_id in {router.id for router in driver.desired.routers}
            )
        )

    play(tmp_path, body)
