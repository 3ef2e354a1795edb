"""Resources that are named like somebody else's, and numbers that nothing can be made of."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

from cumulo.telemetry.service.resources import SPACE, SYSTEM
from tests.support.cloud import TestCloud, running_cloud

DISK = "/metric/v1/resource/instance_disk"


async def servers_disks(cloud: TestCloud) -> None:
    """A squatter has named resources like the disks of another's server, whose id it knows."""
    await cloud.token("admin")
    wish = {"name": "theirs", "flavorRef": "42", "imageRef": cloud.image, "networks": "none"}
    headers = {"OpenStack-API-Version": "compute 2.79"}
    made = await cloud.call(
        "POST", "/compute/v2.1/servers", as_="admin", json_={"server": wish}, headers=headers
    )
    assert made.status == 202, made.raw
    id = made.json["server"]["id"]
    for name in ("disk0", "vda", "disk1"):
        squat = str(uuid.uuid5(SPACE, f"{id}-{name}\x00{SYSTEM}"))
        assert (await cloud.call("POST", DISK, json_={"id": squat})).status == 201
    instance = f"/metric/v1/resource/instance/{id}"
    await cloud.until(
        instance, lambda a: a.status == 200 and "cpu" in a.json["metrics"], as_="admin", seconds=15
    )
    # Its owner forgets it, and another one calls something by its id.
    assert (await cloud.call("DELETE", instance, as_="admin")).status == 204
    again = await cloud.call("POST", "/metric/v1/resource/instance", json_={"id": id})
    if again.status == 201:
        await cloud.until(instance, lambda a: a.status == 404, seconds=15)
    mine = (await cloud.call("GET", DISK)).json
    assert all(each["metrics"] == {} for each in mine), mine


async def numbers(cloud: TestCloud) -> None:
    async def metric() -> str:
        made = await cloud.call("POST", "/metric/v1/metric", json_={"archive_policy_name": "high"})
        return f"/metric/v1/metric/{made.json['id']}/measures"

    one = await metric()
    wrong: list[list[dict[str, Any]]] = [
        [{"timestamp": 1_700_000_000, "value": 1.7e308}],
        [{"timestamp": 1_700_000_000, "value": -1.7e308}],
        [{"timestamp": -200_000_000_000, "value": 1}],
        [{"timestamp": "0001-01-01T00:00:00+14:00", "value": 1}],
    ]
    for points in wrong:
        answer = await cloud.call("POST", one, json_=points)
        assert answer.status == 400, (points, answer.raw)
    large = [{"timestamp": at, "value": v} for at in (-29e9, 0) for v in (1e150, -1e150)]
    assert (await cloud.call("POST", one, json_=large)).status == 202
    assert (await cloud.call("GET", f"{one}?aggregation=std")).status == 200
    policy = {"name": "long", "definition": [{"granularity": "9999999999", "points": 999999999}]}
    made = await cloud.call("POST", "/metric/v1/archive_policy", as_="admin", json_=policy)
    assert made.status == 400


def test_foreign_resources_and_odd_numbers(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path, hosts={"sample_seconds": 1.0}) as cloud:
            await numbers(cloud)
            await servers_disks(cloud)

    asyncio.run(run())
