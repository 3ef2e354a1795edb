"""What a hostile tenant tries: another's bill, another's metrics, all alarms' loop."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.clock import to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.samples import Sample
from cumulo.telemetry.model.alarm import AlarmRow
from cumulo.telemetry.model.interval import IntervalRow
from cumulo.telemetry.model.metric import ResourceRow
from cumulo.telemetry.queries import interval as intervals
from cumulo.telemetry.queries import metric as queries
from cumulo.telemetry.service import aggregates, rules
from cumulo.telemetry.service.resources import SYSTEM, id_of
from tests.support.cloud import BASE, TestCloud, running_cloud
from tests.telemetry.test_alarms import ALARMS, METRICS, POLICY, alarm, measure, metric, row, wish
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


async def what_is_gone_makes_room(cloud: TestCloud) -> None:
    """A server's disks end with it; what has ended is found by no alarm, and is no reason for one
    to see nothing; what nobody was told of becomes nothing."""
    id = await server(cloud, "going")
    await cloud.until(f"/metric/v1/resource/instance/{id}", lambda a: a.status == 200)
    sink = cloud.cloud.conductor.sink
    assert sink is not None
    told = [Sample("instance_disk", f"{id}-disk0", "disk.device.read.bytes", 1.0, time.time())]
    await sink.take("host", told)
    part = f"/metric/v1/resource/instance_disk/{id_of(f'{id}-disk0', SYSTEM)}"
    assert (await cloud.call("GET", part)).json["ended_at"] is None
    assert (await cloud.call("DELETE", f"/compute/v2.1/servers/{id}")).status == 204
    await cloud.until(part, lambda a: a.json["ended_at"] is not None)
    late = [Sample("instance_disk", f"{id}-disk1", "disk.device.read.bytes", 1.0, time.time())]
    await sink.take("host", late)
    gone = f"/metric/v1/resource/instance_disk/{id_of(f'{id}-disk1', SYSTEM)}"
    assert (await cloud.call("GET", gone)).status == 404
    resources = cloud.cloud.services.telemetry.metrics.resources
    unseen = id_of("unseen", SYSTEM)
    await database(cloud).write(
        lambda tx: resources.known(tx, "container", unseen, "p", None, None, tx.now), name="gone"
    )
    assert database(cloud).read_now(lambda tx: tx.get(ResourceRow, unseen)) is None


async def a_group_of_many(cloud: TestCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scaling group that had many servers already still sees those that are there."""
    monkeypatch.setattr(rules, "MOST_FOUND", 3)
    for number in range(6):
        body = {"id": f"many {number}", "metrics": {"load": {"archive_policy_name": "second"}}}
        if number < 5:
            body |= {"started_at": "2026-01-01", "ended_at": "2026-01-02"}
        made = await cloud.call("POST", "/metric/v1/resource/generic", json_=body)
        assert made.status == 201, made.raw
    kind = "gnocchi_aggregation_by_resources_threshold"
    rule = {
        "metric": "load",
        "resource_type": "generic",
        "query": '{"like": {"original_resource_id": "many %"}}',
        "aggregation_method": "max",
        "granularity": 1,
        "threshold": 90,
        "comparison_operator": "gt",
    }
    id = await alarm(cloud, {"name": "group", "type": kind, f"{kind}_rule": rule})
    await measure(cloud, made.json["metrics"]["load"], 95, 95)
    await cloud.until(f"{ALARMS}/{id}", lambda a: a.json["state"] == "alarm")


async def quotas(cloud: TestCloud) -> None:
    """What the cloud measures counts for nobody; points that may be have a bound, too."""
    project = cloud.projects["demo"]

    def mine(tx: Tx) -> Any:
        return tx.tuples(queries.OF_PROJECT, project=project, system=SYSTEM)

    before = database(cloud).read_now(mine)
    id = await server(cloud, "measured")
    await cloud.until(f"/metric/v1/resource/instance/{id}", lambda a: a.status == 200)
    sink = cloud.cloud.conductor.sink
    assert sink is not None
    await sink.take("host", [Sample("instance", id, "cpu", 1.0, time.time())])
    assert database(cloud).read_now(mine) == before
    for _ in range(4):
        made = await cloud.call("POST", METRICS, json_={"archive_policy_name": "bool"})
    assert made.status == 403 and b"points" in made.raw


async def foreign_markers(cloud: TestCloud) -> None:
    theirs = await metric(cloud, "admin")
    assert (await cloud.call("GET", f"{METRICS}?marker={theirs}")).status == 400
    wish = {"id": "marker"}
    made = await cloud.call("POST", "/metric/v1/resource/generic", as_="admin", json_=wish)
    marker = made.json["id"]
    listed = await cloud.call("GET", f"/metric/v1/resource/generic?marker={marker}")
    assert listed.status == 400, listed.raw


async def times_ahead(cloud: TestCloud) -> None:
    """A measure of a far future would push out all others."""
    mine = await metric(cloud)
    one = f"{METRICS}/{mine}/measures"
    for at in ("2999-01-01", time.time() + 2 * 86400):
        sent = await cloud.call("POST", one, json_=[{"timestamp": at, "value": 1}])
        assert sent.status == 400, sent.raw
    now = int(time.time())
    ahead = [{"timestamp": now + 3600, "value": 1}]
    assert (await cloud.call("POST", one, json_=ahead)).status == 202
    for number in range(20):
        points = [{"timestamp": now - number % 5, "value": 1}]
        assert (await cloud.call("POST", one, json_=points)).status == 202
    assert len((await cloud.call("GET", one)).json) == 6


async def who_only_renames(cloud: TestCloud) -> None:
    """An administrator who disables another's alarm does not become whom it looks for."""
    url = f"trust+{BASE}/orchestration/v1/nowhere"
    id = await alarm(cloud, wish(await metric(cloud), alarm_actions=[url]))
    shown = (await cloud.call("GET", f"{ALARMS}/{id}")).json
    put = await cloud.call("PUT", f"{ALARMS}/{id}", as_="admin", json_={**shown, "name": "other"})
    assert put.status == 200 and put.json["name"] == "other", put.raw
    assert row(cloud, id).own and row(cloud, id).user_id == shown["user_id"]
    more = {**shown, "ok_actions": [url]}
    refused = await cloud.call("PUT", f"{ALARMS}/{id}", as_="admin", json_=more)
    assert refused.status == 400 and b"trust+" in refused.raw


async def values_are_searched(cloud: TestCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a policy without an end, as Gnocchi's own tests make them."""
    policy = {"name": "endless", "definition": [{"granularity": "1 second"}]}
    made = await cloud.call("POST", "/metric/v1/archive_policy", as_="admin", json_=policy)
    assert made.status == 201, made.raw
    assert made.json["definition"] == [{"granularity": "0:00:01", "points": None, "timespan": None}]
    made = await cloud.call("POST", METRICS, json_={"archive_policy_name": "endless"})
    id, first = made.json["id"], 1_000_000_000
    points = [{"timestamp": first + n * 10**8, "value": n} for n in range(8)]
    sent = await cloud.call("POST", f"{METRICS}/{id}/measures", json_=points)
    assert sent.status == 202, sent.raw
    assert len((await cloud.call("GET", f"{METRICS}/{id}/measures")).json) == 8
    theirs = await metric(cloud, "admin")
    asked = f"/metric/v1/search/metric?metric_id={id}&metric_id={theirs}&granularity=1s"
    found = await cloud.call("POST", asked, json_={"and": [{">=": 3}, {"<": 5}]})
    assert found.json == {
        id: [["2011-03-13T07:06:40+00:00", 1.0, 3.0], ["2014-05-13T16:53:20+00:00", 1.0, 4.0]]
    }
    again = await cloud.call("POST", f"{asked}&granularity=1", json_={"and": [{">=": 3}, {"<": 5}]})
    assert again.json == found.json
    with monkeypatch.context() as patch:
        patch.setattr(aggregates, "MOST_POINTS", 7)
        refused = await cloud.call("POST", asked, json_={"=": 3})
        assert refused.status == 400 and b"points" in refused.raw
    monthly = f"{METRICS}/{id}/measures?granularity=1&resample=M"
    assert (await cloud.call("GET", monthly)).json[0] == ["2001-09-01T00:00:00+00:00", "M", 0.0]
    for query, body in (("&granularity=300", {"=": 1}), ("&start=x", {"=": 1}), ("", None)):
        refused = await cloud.call("POST", f"{asked}{query}", json_=body)
        assert refused.status == 400, refused.raw


def test_what_a_hostile_tenant_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")
            await cloud.token("demo")
            made = await cloud.call("POST", "/metric/v1/archive_policy", as_="admin", json_=POLICY)
            assert made.status == 201, made.raw
            await numbers_without_end(cloud)
            await an_image_is_no_server(cloud)
            await an_image_takes_no_place(cloud)
            await what_is_gone_makes_room(cloud)
            await a_group_of_many(cloud, monkeypatch)
            await values_are_searched(cloud, monkeypatch)
            await quotas(cloud)
            await foreign_markers(cloud)
            await times_ahead(cloud)
            await who_only_renames(cloud)

    asyncio.run(run())
