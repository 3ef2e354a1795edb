"""From the API to packets: a network, two ports, a router and a floating IP, asked for over HTTP,
are wired by the Linux driver. Guests and the outside are namespaces of the test."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo import settings, wiring
from cumulo.network.agent import NetworkHostPart
from cumulo.network.model.orders import FixedIp, PortSpec
from tests.end_to_end.network.lab import Lab, aping, connect, lab, listen, reaches
from tests.support.cloud import BASE, TestCloud

HOST = "fake-host"
V2 = "/network/v2.0"


@pytest.fixture
def place() -> Iterator[Lab]:
    with lab() as made:
        yield made


async def made(cloud: TestCloud, path: str, **body: Any) -> Any:
    """Create one thing as the administrator; its body."""
    answer = await cloud.call("POST", f"{V2}/{path}", as_="admin", json_=body)
    assert answer.status == 201, answer.raw
    return next(iter(answer.json.values()))


async def active(cloud: TestCloud, path: str, noun: str) -> None:
    await cloud.until(
        f"{V2}/{path}", lambda a: a.json[noun]["status"] == "ACTIVE", as_="admin", seconds=30
    )


async def settled(cloud: TestCloud) -> None:
    """The agent has nothing under way: it would remove a cable that no port is for yet."""
    registry, end = cloud.cloud.registry, asyncio.get_running_loop().time() + 30
    while True:
        part = await cloud.cloud.database.read(lambda tx: registry.part(tx, HOST, "network"))
        assert part is not None and asyncio.get_running_loop().time() < end
        if part.applied == part.generation:
            return
        await asyncio.sleep(0.05)


async def port_with_guest(
    cloud: TestCloud, place: Lab, network: str, group: str
) -> tuple[PortSpec, str]:
    """A port that is bound to this host, and a namespace plugged into it."""
    await settled(cloud)
    body = await made(
        cloud,
        "ports",
        port={
            "network_id": network,
            "device_owner": "compute:nova",
            "binding:host_id": HOST,
            "security_groups": [group],
        },
    )
    address = body["fixed_ips"][0]
    spec = PortSpec(
        body["id"],
        1,
        network,
        body["mac_address"],
        (FixedIp(address["subnet_id"], address["ip_address"]),),
    )
    # Before the agent's next pass: the driver then adopts the cable instead of making a tap.
    guest = place.static_guest(spec, "10.4.0.1")
    await active(cloud, f"ports/{spec.id}", "port")
    return spec, guest


async def story(cloud: TestCloud, place: Lab) -> None:
    answer = await cloud.call("GET", f"{V2}/networks?name=public", as_="admin")
    public = answer.json["networks"][0]["id"]
    network = (await made(cloud, "networks", network={"name": "n"}))["id"]
    body = {"network_id": network, "cidr": "10.4.0.0/24", "ip_version": 4}
    subnet = (await made(cloud, "subnets", subnet=body))["id"]
    group = (await made(cloud, "security-groups", security_group={"name": "web"}))["id"]
    rule = {"security_group_id": group, "direction": "ingress", "protocol": "icmp"}
    await made(cloud, "security-group-rules", security_group_rule=rule)
    gateway = {"network_id": public}
    router = (await made(cloud, "routers", router={"external_gateway_info": gateway}))["id"]
    path = f"{V2}/routers/{router}"
    await cloud.call(
        "PUT", f"{path}/add_router_interface", as_="admin", json_={"subnet_id": subnet}
    )
    one, first = await port_with_guest(cloud, place, network, group)
    _, second = await port_with_guest(cloud, place, network, group)
    fixed = one.fixed_ips[0].address
    body = {"floating_network_id": public, "port_id": one.id}
    floating = await made(cloud, "floatingips", floatingip=body)
    await active(cloud, f"floatingips/{floating['id']}", "floatingip")
    outer = floating["floating_ip_address"]

    async def eventually(check: Any) -> None:
        end = asyncio.get_running_loop().time() + 15
        while not await asyncio.to_thread(check):
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.1)

    # Neighbours, the gateway of the outside through the router, and from there to the floating IP.
    for source, target in ((second, fixed), (first, "172.24.4.1"), (place.outer, outer)):
        end = asyncio.get_running_loop().time() + 15
        while not await aping(source, target):
            assert asyncio.get_running_loop().time() < end, (source, target)
    with listen(first, fixed, 80):
        # Only ICMP may come in, until a rule says more.
        assert not await asyncio.to_thread(reaches, place.outer, outer, 80)
        rule = {
            "security_group_id": group,
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": 80,
            "port_range_max": 80,
        }
        await made(cloud, "security-group-rules", security_group_rule=rule)
        await eventually(lambda: reaches(place.outer, outer, 80))
        (await asyncio.to_thread(connect, second, fixed, 80)).close()
    # Gone in the API, gone on the host.
    answer = await cloud.call("DELETE", f"{V2}/floatingips/{floating['id']}", as_="admin")
    assert answer.status == 204
    end = asyncio.get_running_loop().time() + 15
    while await aping(place.outer, outer):
        assert asyncio.get_running_loop().time() < end


def test_what_the_api_is_asked_for_is_wired(place: Lab, tmp_path: Path) -> None:
    async def work() -> None:
        driver = place.driver()
        wanted = {"listen": "127.0.0.1:1", "public_url": BASE, "fake": True}
        cloud = wiring.build(settings.load(tmp_path, **wanted, identity={"password_rounds": 4}))
        part = cloud.agents[0].parts["network"]
        assert isinstance(part, NetworkHostPart)
        part.driver = driver
        await cloud.first_run()
        running = asyncio.create_task(cloud.work())
        try:
            await story(TestCloud(cloud), place)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            cloud.close()

    place.run(work)
