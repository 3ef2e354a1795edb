"""Whatever is done to servers, in whatever order and at once: what is taken of hosts and of quotas
is the sum of what there is."""

import asyncio
import random
from pathlib import Path
from typing import Any

from cumulo.compute.agent import ComputeAgent
from cumulo.compute.drivers.fake import FakeDriver
from tests.support.cloud import Answer, TestCloud, running_cloud

SERVERS = "/compute/v2.1/servers"
VERSION = {"openstack-api-version": "compute 2.79"}
COUNT, STEPS = 8, 7
FLAVORS = {"m1.nano": "42", "m1.micro": "84"}


async def make(cloud: TestCloud, number: int) -> str:
    wish = {"name": f"s{number}", "flavorRef": "42", "imageRef": cloud.image}
    made = await send(cloud, "POST", SERVERS, json_={"server": wish})
    assert made.status == 202, made.raw
    return str(made.json["server"]["id"])


async def one_life(cloud: TestCloud, id: str, seed: int, places: asyncio.Semaphore) -> None:
    chance = random.Random(seed)
    for _ in range(STEPS):
        await settled(cloud, id)
        async with places:
            await do(cloud, id, chance)
        await asyncio.sleep(chance.random() / 20)
    if chance.random() < 0.3:
        assert (await send(cloud, "DELETE", f"{SERVERS}/{id}")).status in (204, 404)


async def send(cloud: TestCloud, method: str, path: str, **more: Any) -> Answer:
    """Where many write the same rows at once, PostgreSQL lets some wait: they ask again."""
    for _ in range(30):
        answer = await cloud.call(method, path, **more)
        if answer.status != 503:
            return answer
        await asyncio.sleep(0.1)
    return answer


async def do(cloud: TestCloud, id: str, chance: random.Random) -> None:
    """Something that its state may allow or not."""
    actions: list[dict[str, Any]] = [
        {"resize": {"flavorRef": chance.choice(list(FLAVORS.values()))}},
        {"confirmResize": None},
        {"revertResize": None},
        {"migrate": None},
        {"os-stop": None},
        {"os-start": None},
        {"shelve": None},
        {"unshelve": None},
        {"createImage": {"name": "copy"}},
        {"rebuild": {"imageRef": cloud.image}},
    ]
    if chance.random() < 0.15:
        kill(cloud, id)
        return
    body = chance.choice(actions)
    answer = await send(cloud, "POST", f"{SERVERS}/{id}/action", as_="admin", json_=body)
    assert answer.status in (200, 202, 204, 400, 403, 409), (body, answer.raw)


def kill(cloud: TestCloud, id: str) -> None:
    for agent in cloud.cloud.agents:
        part = agent.parts["compute"]
        assert isinstance(part, ComputeAgent) and isinstance(part.driver, FakeDriver)
        guest = part.driver._guests.get(id)
        if guest is not None and guest.power == "on":
            part.driver.kill(id)


async def settled(cloud: TestCloud, id: str) -> None:
    await cloud.until(
        f"{SERVERS}/{id}",
        lambda a: (
            a.status == 404  # It was on its way out when it was listed.
            or (
                a.json["server"]["OS-EXT-STS:task_state"] is None
                and a.json["server"]["status"] != "BUILD"
            )
        ),
        seconds=30,
    )


async def used(cloud: TestCloud) -> dict[str, int]:
    total = {"VCPU": 0, "MEMORY_MB": 0}
    listed = await cloud.call("GET", "/placement/resource_providers", as_="admin")
    for each in listed.json["resource_providers"]:
        path = f"/placement/resource_providers/{each['uuid']}/usages"
        usages = (await cloud.call("GET", path, as_="admin")).json["usages"]
        total = {name: amount + usages[name] for name, amount in total.items()}
    return total


async def taken(cloud: TestCloud) -> dict[str, int]:
    limits = (await cloud.call("GET", "/compute/v2.1/limits")).json["limits"]["absolute"]
    return {"VCPU": limits["totalCoresUsed"], "MEMORY_MB": limits["totalRAMUsed"]}


def test_sums(tmp_path: Path, database_url: str) -> None:
    async def story() -> None:
        settings: dict[str, Any] = {"hosts": {"fake": 3}, "database": {"url": database_url}}
        async with running_cloud(tmp_path, **settings) as cloud:
            ids = [await make(cloud, number) for number in range(COUNT)]
            # Of many writers of the same few rows PostgreSQL turns away all but some.
            places = asyncio.Semaphore(2 if database_url else COUNT)
            lives = [one_life(cloud, id, seed, places) for seed, id in enumerate(ids)]
            await asyncio.gather(*lives)
            listed = (await cloud.call("GET", SERVERS)).json["servers"]
            for each in listed:
                await settled(cloud, each["id"])
                body: dict[str, Any] = {"confirmResize": None}
                await send(cloud, "POST", f"{SERVERS}/{each['id']}/action", json_=body)
                await settled(cloud, each["id"])
            detail = await cloud.call("GET", f"{SERVERS}/detail", headers=VERSION)
            rows = detail.json["servers"]
            quota = {
                "VCPU": sum(r["flavor"]["vcpus"] for r in rows),
                "MEMORY_MB": sum(r["flavor"]["ram"] for r in rows),
            }
            assert await taken(cloud) == quota
            on_hosts = [r for r in rows if r["hostId"]]
            held = {
                "VCPU": sum(r["flavor"]["vcpus"] for r in on_hosts),
                "MEMORY_MB": sum(r["flavor"]["ram"] for r in on_hosts),
            }
            assert await used(cloud) == held
            for each in listed:
                await send(cloud, "DELETE", f"{SERVERS}/{each['id']}")
            await cloud.until(SERVERS, lambda a: a.json["servers"] == [], seconds=30)
            nothing = {"VCPU": 0, "MEMORY_MB": 0}
            assert await used(cloud) == nothing and await taken(cloud) == nothing

    asyncio.run(story())
