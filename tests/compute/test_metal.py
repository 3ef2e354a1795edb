"""Servers that have a machine of bare metal whole: Nova's `ironic` driver, on fake hardware."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.compute.test_moves import SERVERS, act, make, now
from tests.compute.test_reimage import other_image
from tests.support.cloud import TestCloud, running_cloud

NODES = "/baremetal/v1/nodes"
IRONIC = {"x-openstack-ironic-api-version": "1.87"}
LATEST = {"openstack-api-version": "compute 2.90"}


async def ask(cloud: TestCloud, method: str, path: str, body: Any = None, status: int = 0) -> Any:
    headers = {**IRONIC, **LATEST, "openstack-api-version": "placement 1.36"}
    if path.startswith("/compute"):
        headers = LATEST
    answer = await cloud.call(method, path, as_="admin", json_=body, headers=headers)
    assert answer.status == status or (not status and answer.status < 300), answer.raw
    return answer.json if answer.raw else None


async def is_in(cloud: TestCloud, node: str, state: str) -> Any:
    answer = await cloud.until(
        f"{NODES}/{node}",
        lambda a: a.json["provision_state"] == state,
        as_="admin",
        headers=IRONIC,
    )
    return answer.json


async def a_node(cloud: TestCloud, name: str, **more: Any) -> str:
    wish = {
        "name": name,
        "driver": "fake-hardware",
        "resource_class": "baremetal.large",
        "properties": {"cpus": 8, "memory_mb": 4096, "local_gb": 100},
        "rescue_interface": "fake",
        **more,
    }
    made = await ask(cloud, "POST", NODES, wish)
    for verb, state in (("manage", "manageable"), ("provide", "available")):
        await ask(cloud, "PUT", f"{NODES}/{made['uuid']}/states/provision", {"target": verb})
        await is_in(cloud, made["uuid"], state)
    return str(made["uuid"])


async def a_flavor(cloud: TestCloud) -> str:
    kind = {"flavor": {"name": "metal", "vcpus": 8, "ram": 4096, "disk": 100}}
    flavor = (await ask(cloud, "POST", "/compute/v2.1/flavors", kind))["flavor"]["id"]
    specs = {"resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"}
    specs["resources:CUSTOM_BAREMETAL_LARGE"] = "1"
    path = f"/compute/v2.1/flavors/{flavor}/os-extra_specs"
    await ask(cloud, "POST", path, {"extra_specs": specs})
    return str(flavor)


async def create(cloud: TestCloud, flavor: str) -> str:
    wish = {"name": "m", "flavorRef": flavor, "imageRef": cloud.image, "networks": "none"}
    answer = await cloud.call("POST", SERVERS, json_={"server": wish}, headers=LATEST)
    assert answer.status == 202, answer.raw
    return str(answer.json["server"]["id"])


def run(tmp_path: Path, story: Callable[[TestCloud], Awaitable[None]]) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")
            await story(cloud)

    asyncio.run(main())


def test_a_server_has_a_node(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node, flavor = await a_node(cloud, "m1"), await a_flavor(cloud)
        id = await create(cloud, flavor)
        server = await now(cloud, id, "ACTIVE")
        assert server["OS-EXT-SRV-ATTR:hypervisor_hostname"] == node
        assert (server["host_status"], server["OS-EXT-STS:power_state"]) == ("UP", 1)
        shown = await is_in(cloud, node, "active")
        assert (shown["instance_uuid"], shown["power_state"]) == (id, "power on")
        assert shown["instance_info"]["image_source"] == cloud.image
        hypervisor = (await ask(cloud, "GET", "/compute/v2.1/os-hypervisors/detail"))["hypervisors"]
        assert ("ironic", "up") in {(h["hypervisor_type"], h["state"]) for h in hypervisor}

        none = await create(cloud, flavor)
        fault = (await now(cloud, none, "ERROR"))["fault"]
        assert "CUSTOM_BAREMETAL_LARGE" in fault["details"]
        plain = await now(cloud, await make(cloud), "ACTIVE")
        assert plain["OS-EXT-SRV-ATTR:host"] != node, "a node is nothing for other flavors"

        await act(cloud, id, **{"os-stop": None})
        await now(cloud, id, "SHUTOFF")
        assert (await is_in(cloud, node, "active"))["power_state"] == "power off"
        await act(cloud, id, **{"os-start": None})
        await now(cloud, id, "ACTIVE")
        await act(cloud, id, reboot={"type": "HARD"})
        await now(cloud, id, "ACTIVE")
        other = await other_image(cloud)
        await act(cloud, id, rebuild={"imageRef": other})
        assert (await now(cloud, id, "ACTIVE"))["image"]["id"] == other
        shown = await is_in(cloud, node, "active")
        assert shown["instance_info"]["image_source"] == other
        await act(cloud, id, 200, rescue={"adminPass": "rescue-me"})
        await now(cloud, id, "RESCUE")
        await is_in(cloud, node, "rescue")
        await act(cloud, id, unrescue=None)
        await now(cloud, id, "ACTIVE")
        await is_in(cloud, node, "active")
        await refusals(cloud, id, node)
        assert (await cloud.call("DELETE", f"{SERVERS}/{id}")).status == 204
        await cloud.until(f"{SERVERS}/{id}", lambda a: a.status == 404)
        shown = await is_in(cloud, node, "available")
        assert shown["instance_uuid"] is None
        again = await create(cloud, flavor)
        await now(cloud, again, "ACTIVE")
        await cloud.call("DELETE", f"{SERVERS}/{again}")
        await cloud.until(f"{SERVERS}/{again}", lambda a: a.status == 404)
        await is_in(cloud, node, "available")
        await ask(cloud, "DELETE", f"{NODES}/{node}")
        found = await ask(cloud, "GET", f"/placement/resource_providers?name={node}")
        assert found["resource_providers"] == []

    run(tmp_path, story)


async def refusals(cloud: TestCloud, id: str, node: str) -> None:
    for body in ({"pause": None}, {"suspend": None}, {"migrate": None}, {"shelve": None}):
        await act(cloud, id, 409, **body)
    await act(cloud, id, 409, createImage={"name": "x"})
    await ask(cloud, "PUT", f"{NODES}/{node}/maintenance", {"reason": "broken"})
    await ask(cloud, "DELETE", f"{NODES}/{node}", status=409)
    await ask(cloud, "DELETE", f"{NODES}/{node}/maintenance")


def test_what_a_node_cannot_is_said(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        flavor = await a_flavor(cloud)
        node = await a_node(cloud, "m1", driver_info={"fake_fault": "deploy"})
        id = await create(cloud, flavor)
        broken = await now(cloud, id, "ERROR")
        assert "deploy fails" in broken["fault"]["message"]
        assert (await is_in(cloud, node, "deploy failed"))["instance_uuid"] == id
        assert (await cloud.call("DELETE", f"{SERVERS}/{id}")).status == 204
        await cloud.until(f"{SERVERS}/{id}", lambda a: a.status == 404)
        await is_in(cloud, node, "available")

    run(tmp_path, story)
