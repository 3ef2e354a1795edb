"""Who gets a server: what is asked of the database does not grow with the number of hosts; zones,
groups, silent and disabled hosts; and why nobody does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cumulo.compute.model.hypervisor import HostResources
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.placement.api.candidates import TREES, CandidatesApi
from cumulo.placement.interface import Where
from cumulo.placement.queries import provider as placement_queries
from tests.support.cloud import TestCloud, running_cloud
from tests.support.counting import counting

HOSTS = 300
MOST_OF_A_CREATE = 26
"""Statements, without a network."""
KEPT_STATEMENTS = 3
HOSTS_USED = 12
"""At most: servers are on few of them."""
SERVERS = "/compute/v2.1/servers"
LATEST = {"openstack-api-version": "compute 2.74"}


def run(tmp_path: Path, story: Callable[[TestCloud], Awaitable[None]]) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            await cloud.token("admin")
            await story(cloud)

    asyncio.run(main())


def add_hosts(cloud: TestCloud, names: list[str], **resources: Any) -> None:
    """Hosts that say that they are there; nobody does their work."""
    compute, registry = cloud.cloud.services.compute, cloud.cloud.registry
    have = HostResources(**{"vcpus": 8, "memory_mb": 16384, "disk_gb": 500, **resources})

    def add(tx: Tx) -> None:
        for name in names:
            registry.register(tx, name, ["compute"])
            compute.hosts.register(tx, name, have)

    cloud.cloud.database.write_now(add)


async def create(cloud: TestCloud, **wish: Any) -> Any:
    server = {"name": "x", "flavorRef": "42", "imageRef": cloud.image, "networks": "none", **wish}
    as_ = server.pop("as_", "demo")
    hints = server.pop("hints", None)
    body = {"server": server, **({} if hints is None else {"os:scheduler_hints": hints})}
    answer = await cloud.call("POST", SERVERS, as_=as_, json_=body, headers=LATEST)
    assert answer.status == 202, answer.raw
    path = f"{SERVERS}/{answer.json['server']['id']}"
    return (await cloud.call("GET", path, as_="admin", headers=LATEST)).json["server"]


HOST = "OS-EXT-SRV-ATTR:host"


def test_a_create_asks_the_same_of_one_host_and_of_300(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await create(cloud)
        server = {"name": "x", "flavorRef": "42", "imageRef": cloud.image, "networks": "none"}
        seen = []
        for more in (0, HOSTS):
            add_hosts(cloud, [f"more{n:03}" for n in range(more)])
            statements, rows = await _least(cloud, "POST", "/servers", {"server": server})
            lists = [
                await _least(cloud, "GET", path)
                for path in ("/servers/detail?limit=1", "/os-hypervisors/detail?limit=1")
            ]
            seen.append((statements, rows - _candidates(more), lists))
        assert seen[0] == seen[1]
        plan = _plan(cloud)
        assert any("ix_placement_inventories_resource_class_free" in step for step in plan), plan
        assert not any("TEMP B-TREE" in step for step in plan), plan
        assert seen[0][0] <= MOST_OF_A_CREATE
        await _kept(cloud)
        await _first_candidates(cloud)

    run(tmp_path, story)


async def _kept(cloud: TestCloud) -> None:
    """A page that was asked for before: a few columns of each server and nothing else of them but
    the hosts that they are on; one that has changed is read, and no other."""
    servers = (await cloud.call("GET", SERVERS, as_="admin")).json["servers"]
    count = len(servers)
    found = [await _least(cloud, "GET", "/servers/detail")]
    name = {"server": {"name": "another"}}
    path = f"{SERVERS}/{servers[0]['id']}"
    await cloud.call("PUT", path, as_="admin", json_=name)
    with counting(cloud.cloud.database) as counts:  # type: ignore[arg-type]
        listed = await cloud.call("GET", f"{SERVERS}/detail", as_="admin", headers=LATEST)
    assert [s["name"] for s in listed.json["servers"]].count("another") == 1
    found.append((counts.statements, counts.rows))
    kept, anew = found
    assert kept[0] == KEPT_STATEMENTS and count <= kept[1] <= count + HOSTS_USED
    assert anew[0] <= kept[0] + 6 and anew[1] <= kept[1] + 3


async def _first_candidates(cloud: TestCloud) -> None:
    """Who asks placement for few of many is answered from the first trees."""
    asked, version = "resources=VCPU:1,MEMORY_MB:1", {"openstack-api-version": "placement 1.39"}
    for limit in (1, HOSTS):
        path = f"/placement/allocation_candidates?{asked}&limit={limit}"
        answer = await cloud.call("GET", path, as_="admin", headers=version)
        found = {each for one in answer.json["allocation_requests"] for each in one["allocations"]}
        assert len(found) == limit and found == set(answer.json["provider_summaries"])

    def read(tx: Tx) -> list[int]:
        api = CandidatesApi(cloud.cloud.services.placement)
        return [len(search.providers) for search in api._searches(tx)]

    sizes = await cloud.cloud.database.read(read)
    assert sum(sizes) == HOSTS + 1 and max(sizes) == TREES


async def _least(cloud: TestCloud, method: str, path: str, body: Any = None) -> tuple[int, int]:
    """(statements, rows) of a request. What runs beside it is counted too: the least of a few is
    without it."""
    database: Any = cloud.cloud.database
    found = []
    for _ in range(4):
        with counting(database) as counts:
            url = f"/compute/v2.1{path}"
            answer = await cloud.call(method, url, as_="admin", json_=body, headers=LATEST)
        assert answer.status in (200, 202), answer.raw
        found.append((counts.statements, counts.rows))
    return min(found)


def _candidates(hosts: int) -> int:
    """The page of candidates: 16 of many, where there is one only. Of their hosts the first alone
    is looked at."""
    return min(hosts + 1, 16) - 1


def _plan(cloud: TestCloud) -> list[str]:
    database: Any = cloud.cloud.database
    asked = frozenset(("forbidden", "alive_since"))
    made = placement_queries.candidates(2, asked).compiled("sqlite")
    text, bound = made.bind(
        {"c0": "MEMORY_MB", "n0": 1, "c1": "VCPU", "n1": 1, "forbidden": ["X"], "alive_since": "",
         "most": 16},
        ":{}",
    )  # fmt: skip
    found = database._connection.execute("EXPLAIN QUERY PLAN " + text, bound).fetchall()
    return [row[3] for row in found]


def test_zones_groups_and_hosts_that_may_not(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        add_hosts(cloud, ["big1", "big2", "silent", "closed"], memory_mb=1 << 20)

        def silence(tx: Tx) -> None:
            row = cloud.cloud.registry.get(tx, "silent")
            assert row is not None
            tx.update(row, last_seen=later(tx.now, -3600.0))

        cloud.cloud.database.write_now(silence)

        async def ask(method: str, path: str, body: Any = None) -> Any:
            answer = await cloud.call(
                method, f"/compute/v2.1{path}", as_="admin", json_=body, headers=LATEST
            )
            assert answer.status < 300, answer.raw
            return answer.json if answer.raw else None

        services = {s["host"]: s["id"] for s in (await ask("GET", "/os-services"))["services"]}
        await ask("PUT", f"/os-services/{services['closed']}", {"status": "disabled"})
        first, second = await create(cloud), await create(cloud)
        assert {first[HOST], second[HOST]} == {"big1", "big2"}

        wish = {"aggregate": {"name": "a", "availability_zone": "east"}}
        aggregate = (await ask("POST", "/os-aggregates", wish))["aggregate"]["id"]
        action = f"/os-aggregates/{aggregate}/action"
        await ask("POST", action, {"add_host": {"host": "big2"}})
        found = await create(cloud, availability_zone="east")
        assert (found[HOST], found["OS-EXT-AZ:availability_zone"]) == ("big2", "east")
        assert (await create(cloud, availability_zone="nova"))[HOST] == "big1"
        zones = (await ask("GET", "/os-availability-zone"))["availabilityZoneInfo"]
        assert {zone["zoneName"] for zone in zones} == {"east", "nova"}

        group = {"server_group": {"name": "g", "policy": "anti-affinity"}}
        made = await cloud.call(
            "POST", "/compute/v2.1/os-server-groups", json_=group, headers=LATEST
        )
        hints = {"group": made.json["server_group"]["id"]}
        hosts = {(await create(cloud, hints=hints))[HOST] for _ in range(3)}
        assert len(hosts) == 3 and hosts >= {"big1", "big2"}

        await ask("POST", action, {"remove_host": {"host": "big2"}})
        refused = await create(cloud, as_="admin", host="closed")
        assert refused["status"] == "ERROR"
        assert refused["fault"]["details"] == "closed: disabled: no reason given\nand 4 more hosts"
        await ask("PUT", f"/os-services/{services['closed']}", {"status": "enabled"})
        assert (await create(cloud, as_="admin", host="closed"))[HOST] == "closed"

    run(tmp_path, story)


def test_nobody_has_room_and_a_few_of_many_say_why(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        add_hosts(cloud, [f"more{n:03}" for n in range(120)], vcpus=1)
        flavor = {"flavor": {"name": "huge", "vcpus": 64, "ram": 1 << 22, "disk": 1}}
        made = await cloud.call("POST", "/compute/v2.1/flavors", as_="admin", json_=flavor)
        quota = {"quota_set": {"cores": -1, "ram": -1}}
        path = f"/compute/v2.1/os-quota-sets/{cloud.projects['demo']}"
        await cloud.call("PUT", path, as_="admin", json_=quota)
        huge = {"name": "x", "flavorRef": made.json["flavor"]["id"], "imageRef": cloud.image}
        port = (await cloud.call("GET", "/network/v2.0/ports", as_="admin")).json["ports"][0]["id"]
        for wrong in (
            {"networks": [{"port": port}]},
            {"networks": [{"uuid": cloud.image}]},
            {"networks": "auto", "security_groups": [{"name": "none such"}]},
        ):
            body = {"server": {**huge, **wrong}}
            refused = await cloud.call("POST", SERVERS, json_=body, headers=LATEST)
            assert refused.status in (400, 409), refused.raw
        found = await create(cloud, flavorRef=huge["flavorRef"], networks="auto")
        ports = f"/network/v2.0/ports?device_id={found['id']}"
        assert (await cloud.call("GET", ports)).json["ports"] == []
        lines = found["fault"]["details"].split("\n")
        assert len(lines) == 51 and lines[-1] == "and 71 more hosts"
        assert "VCPU: 64 wanted" in lines[1] or "MEMORY_MB:" in lines[1]

    run(tmp_path, story)


def test_placement_takes_no_wish_for_nothing(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        placement = cloud.cloud.services.placement

        def ask(tx: Tx) -> list[int]:
            wanted = {"VCPU": 1}
            wheres = (Where(), Where(named=[]), Where(member_of=[]), Where(not_named=["fake-host"]))
            return [len(placement.candidates(tx, wanted, each, most=9)) for each in wheres]

        assert cloud.cloud.database.read_now(ask) == [1, 0, 0, 0]  # type: ignore[attr-defined]

    run(tmp_path, story)
