"""What a hostile tenant tries: another's bill, another's metrics, all alarms' loop."""

import asyncio
import time
from pathlib import Path
from typing import Any

from cumulo.core.clock import to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.samples import Sample
from cumulo.telemetry.model.alarm import AlarmRow
from cumulo.telemetry.model.interval import IntervalRow
from cumulo.telemetry.model.metric import ResourceRow
from cumulo.telemetry.queries import interval as intervals
from cumulo.telemetry.service.resources import SYSTEM, id_of
from tests.support.cloud import TestCloud, running_cloud
from tests.telemetry.test_alarms import ALARMS, POLICY, alarm, measure, metric, row, wish
from tests.telemetry.test_usage import server

IMAGES = "/image/v2/images"
HUGE = 10**400


def database(cloud: TestCloud) -> Any:
    return cloud.cloud.database


async def image_with_id(cloud: TestCloud, id: str, as_: str = "demo") -> None:
    wish = {"id": id, "name": "x", "disk_format": "raw", "container_format": "bare"}
    made = await cloud.call("POST", IMAGES, as_=as_, json_=wish)
    assert made.status == 201, made.raw
    octets = {"content-type": "application/octet-stream"}
    file = f"{IMAGES}/{id}/file"
    sent = await cloud.call("PUT", file, as_=as_, headers=octets, body=bytes(1024))
    assert sent.status == 204, sent.raw


async def an_image_is_no_server(cloud: TestCloud) -> None:
    """An image may be given any id: the server of that id still costs, and stays its owner's."""
    id = await server(cloud, "costs")
    resource = f"/metric/v1/resource/instance/{id}"
    await cloud.until(resource, lambda a: a.status == 200)
    await image_with_id(cloud, id, as_="admin")

    def of(kind: str) -> IntervalRow | None:
        return database(cloud).read_now(  # type: ignore[no-any-return]
            lambda tx: tx.one(intervals.LAST, id=id, kind=kind)
        )

    for _ in range(200):
        if of("image") is not None:
            break
        await asyncio.sleep(0.02)
    image, there = of("image"), of("instance")
    assert image is not None and image.ended is None
    assert there is not None and there.ended is None
    mine = await cloud.call("GET", resource)
    assert mine.status == 200 and mine.json["type"] == "instance", mine.raw
    assert mine.json["project_id"] == cloud.projects["demo"]
    assert (await cloud.call("DELETE", f"{IMAGES}/{id}", as_="admin")).status == 204
    for _ in range(200):
        image, there = of("image"), of("instance")
        if image is not None and image.ended is not None:
            break
        await asyncio.sleep(0.02)
    assert image is not None and image.ended is not None
    assert there is not None and there.ended is None
    assert (await cloud.call("GET", resource)).json["ended_at"] is None


async def an_image_takes_no_place(cloud: TestCloud) -> None:
    """Nor does it push out what a client has named, or become a disk of a server."""
    made = await cloud.call("POST", "/metric/v1/resource/generic", json_={"id": "kept"})
    kept = made.json["id"]
    await image_with_id(cloud, kept, as_="admin")
    id = await server(cloud, "disked")
    part = id_of(f"{id}-disk9", SYSTEM)
    await image_with_id(cloud, part, as_="admin")
    await cloud.until(f"/metric/v1/resource/image/{part}", lambda a: a.status == 200, as_="admin")
    assert (await cloud.call("GET", f"/metric/v1/resource/generic/{kept}")).status == 200
    told = [Sample("instance_disk", f"{id}-disk9", "disk.device.read.bytes", 1.0, time.time())]
    sink = cloud.cloud.conductor.sink
    assert sink is not None
    await sink.take("host", told)
    found = database(cloud).read_now(lambda tx: tx.get(ResourceRow, part))
    assert found.type == "instance_disk" and found.project_id == cloud.projects["demo"]


async def numbers_without_end(cloud: TestCloud) -> None:
    """A threshold of 400 digits is refused; one that is there stops nobody else's alarm."""
    mine = await metric(cloud)
    for huge in (HUGE, -HUGE):
        body = wish(mine)
        body["gnocchi_aggregation_by_metrics_threshold_rule"]["threshold"] = huge
        assert (await cloud.call("POST", ALARMS, json_=body)).status == 400
        for operations in (
            ["+", ["metric", mine, "mean"], huge],
            ["clip", ["metric", mine, "mean"], huge, huge],
            ["clip_min", ["metric", mine, "mean"], huge],
        ):
            answer = await cloud.call(
                "POST", "/metric/v1/aggregates", json_={"operations": operations}
            )
            assert answer.status == 400, (operations, answer.raw)
    stuck, good = await alarm(cloud, wish(mine)), await alarm(cloud, wish(mine))

    def break_it(tx: Tx) -> None:
        found = tx.get(AlarmRow, stuck)
        assert found is not None
        tx.update(found, rule={**found.rule, "threshold": "no number"})

    await database(cloud).write(break_it, name="broken")
    await measure(cloud, mine, 95, 95)
    await cloud.until(f"{ALARMS}/{good}", lambda a: a.json["state"] == "alarm")
    assert row(cloud, stuck).due > to_moment(time.time() + 30)


def test_what_a_hostile_tenant_tries(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")
            await cloud.token("demo")
            made = await cloud.call("POST", "/metric/v1/archive_policy", as_="admin", json_=POLICY)
            assert made.status == 201, made.raw
            await numbers_without_end(cloud)
            await an_image_is_no_server(cloud)
            await an_image_takes_no_place(cloud)

    asyncio.run(run())
