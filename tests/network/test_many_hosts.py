"""What a new port, server or volume costs does not grow with the hosts and servers of the project;
who must learn of a new member of a group learns of many at once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.model import PartRow
from cumulo.network.model.orders import GroupMembers, HostTunnels
from cumulo.network.queries import port as port_queries
from cumulo.network.reconcile import SPREAD_SECONDS
from tests.support.cloud import TestCloud, running_cloud
from tests.support.counting import counting

HOSTS = 300
SERVERS = 150
LATEST = {"openstack-api-version": "compute 2.74"}


def fill(cloud: TestCloud, hosts: range, servers: range, *, tunnels: bool) -> None:
    """Hosts that say that they are there, with a server of the project on each of the first."""
    registry, network = cloud.cloud.registry, cloud.cloud.services.network
    who = Principal(
        user_id="u",
        user_name="demo",
        user_domain_id="default",
        project_id=cloud.projects["demo"],
        roles=("member", "reader"),
    )

    def work(tx: Tx) -> None:
        for number in hosts:
            registry.register(tx, f"more{number:03}", ["network"])
            end = f"10.9.{number // 250}.{number % 250 + 1}" if tunnels else None
            network.hosts.saw(tx, f"more{number:03}", HostTunnels(end, gateway=False))
        for number in servers:
            network.plug_server(
                tx,
                who,
                server_id=f"s{number}",
                hostname=f"s{number}",
                host_id=f"more{number:03}",
                zone="nova",
                nics="auto",
            )

    cloud.cloud.database.write_now(work)  # type: ignore[attr-defined]


async def cost(cloud: TestCloud, path: str, body: Any, *, settled: str) -> tuple[int, int, int]:
    """(statements, rows, messages of the own host) of one of these, until it is there. What runs
    beside it (heartbeats, sweeps) is counted too: the least of a few is without it. The first one
    of all makes the rows of its quota."""
    found = []
    for _ in range(4):
        agent = cloud.cloud.agents[0]
        await asyncio.sleep(1.3 * SPREAD_SECONDS)
        before = messages(agent)
        with counting(cloud.cloud.database) as counts:  # type: ignore[arg-type]
            answer = await cloud.call("POST", path, json_=body, headers=LATEST)
            assert answer.status in (201, 202), answer.raw
        (noun,) = answer.json
        where = f"{path}/{answer.json[noun]['id']}"
        if settled:
            await cloud.until(where, lambda a, n=noun: a.json[n]["status"] == settled)
        await asyncio.sleep(1.3 * SPREAD_SECONDS)
        found.append((counts.statements, counts.rows, messages(agent) - before))
        await cloud.call("DELETE", where)
    statements, rows, told = zip(*found[1:], strict=True)
    return min(statements), min(rows), min(told)


def messages(agent: Any) -> int:
    workers = agent.workers.values()
    return sum(worker.follower.fetches + worker.reporter.reports for worker in workers)


async def costs(cloud: TestCloud) -> dict[str, tuple[int, int, int]]:
    network_id = await cloud.private_network()
    server = {"name": "x", "flavorRef": "42", "imageRef": cloud.image, "networks": "auto"}
    return {
        "server": await cost(cloud, "/compute/v2.1/servers", {"server": server}, settled="ACTIVE"),
        "port": await cost(
            cloud, "/network/v2.0/ports", {"port": {"network_id": network_id}}, settled=""
        ),
        "volume": await cost(
            cloud, "/volume/v3/volumes", {"volume": {"size": 1}}, settled="available"
        ),
    }


@pytest.mark.parametrize("tunnels", [False, True])
def test_a_create_costs_the_same_at_few_and_at_300_hosts(tmp_path: Path, tunnels: bool) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            few = 2 if tunnels else 1
            fill(cloud, range(few), range(few), tunnels=tunnels)
            one = await costs(cloud)
            fill(cloud, range(few, HOSTS), range(few, SERVERS), tunnels=tunnels)
            many = await costs(cloud)
            assert one == many
            await _members_are_told_together(cloud)
            if tunnels:
                await _neighbours_are_read_once(cloud)

    asyncio.run(main())


async def _members_are_told_together(cloud: TestCloud) -> None:
    """20 new ports are one or two messages to each host that has a rule about their group, and
    what the group has is read once, not once a host."""
    database: Any = cloud.cloud.database
    network_id = await cloud.private_network()
    await asyncio.sleep(1.3 * SPREAD_SECONDS)
    before = versions(cloud)
    began = asyncio.get_running_loop().time()
    for _ in range(20):
        body = {"port": {"network_id": network_id}}
        answer = await cloud.call("POST", "/network/v2.0/ports", json_=body)
        assert answer.status == 201, answer.raw
    spreads = 2 + int((asyncio.get_running_loop().time() - began) / SPREAD_SECONDS)
    await asyncio.sleep(1.3 * SPREAD_SECONDS)
    grown = {host: version - before[host] for host, version in versions(cloud).items()}
    named = {host for host, times in grown.items() if times}
    assert named - {"fake-host"} == {f"more{number:03}" for number in range(SERVERS)}
    assert all(1 <= grown[host] <= spreads for host in named - {"fake-host"}), grown

    part = cloud.cloud.conductor.parts["network"]
    answer = await cloud.call("GET", "/network/v2.0/security-groups?name=default")
    group = answer.json["security_groups"][0]["id"]
    with counting(database) as counts:
        told = [
            await database.read(lambda tx, h=host: part.items(tx, h, [f"members/{group}"]))
            for host in sorted(named)
        ]
    wanted: GroupMembers = told[0][f"members/{group}"]
    assert len(wanted.members) >= SERVERS + 20
    assert all(each[f"members/{group}"] is wanted for each in told)
    text = port_queries.MEMBER_ADDRESSES.compiled("sqlite").text
    read = [each for each in counts.texts if each.startswith(text.partition("IN")[0])]
    assert len(read) <= 1


async def _neighbours_are_read_once(cloud: TestCloud) -> None:
    """All ports of a network: for each host that has it, read once for all of them."""
    database: Any = cloud.cloud.database
    part = cloud.cloud.conductor.parts["network"]
    network_id = await cloud.private_network()
    item = f"neighbours/{network_id}"
    hosts = [f"more{number:03}" for number in range(SERVERS)]
    await asyncio.sleep(1.3 * SPREAD_SECONDS)

    def known(tx: Tx) -> list[bool]:
        registry = cloud.cloud.registry
        return [item in registry.items(tx, host, "network", [item]) for host in hosts]

    assert all(await database.read(known))
    with counting(database) as counts:
        told = [
            await database.read(lambda tx, h=host: part.items(tx, h, [item])[item])
            for host in hosts
        ]
    assert len({each.tunnel for each in told[0].ports}) >= SERVERS
    assert all(each is told[0] for each in told)
    assert sum("JOIN network_hosts" in each for each in counts.texts) == 1


def versions(cloud: TestCloud) -> dict[str, int]:
    def read(tx: Tx) -> dict[str, int]:
        rows = (tx.get(PartRow, host.id, "network") for host in cloud.cloud.registry.all(tx))
        return {row.host_id: row.generation for row in rows if row is not None}

    return cloud.cloud.database.read_now(read)  # type: ignore[attr-defined,no-any-return]
