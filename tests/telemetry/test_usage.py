"""Usage on a simulated cloud: intervals, metrics of guests, an alarm, a bill."""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo import settings, wiring
from cumulo.core.clock import seconds_of, to_moment
from cumulo.core.events.model import EventRow
from cumulo.core.usage import Metered
from cumulo.object_store.reconcile import ContainerLooks
from cumulo.telemetry.service import remote_write
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.prices import PriceBook
from cumulo.telemetry.service.usage import Usage, UsageConsumer
from tests.support.cloud import Answer, TestCloud, running_cloud

SERVERS = "/compute/v2.1/servers"
PRICES = {"instance.vcpus": 1.0, "volume.size": 0.5, "floating_ip": 2.0}


async def server(cloud: TestCloud, name: str) -> str:
    wish = {"name": name, "flavorRef": "42", "imageRef": cloud.image, "networks": "none"}
    headers = {"OpenStack-API-Version": "compute 2.79"}
    made = await cloud.call("POST", SERVERS, json_={"server": wish}, headers=headers)
    assert made.status == 202, made.raw
    id: str = made.json["server"]["id"]
    await cloud.until(f"{SERVERS}/{id}", lambda a: a.json["server"]["status"] == "ACTIVE")
    return id


def rows(data: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{data / 'cumulo.db'}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_intervals_are_what_the_rows_did(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        id = await server(cloud, "counted")
        volume = await cloud.call("POST", "/volume/v3/volumes", json_={"volume": {"size": 2}})
        volume_id = volume.json["volume"]["id"]
        one = f"/volume/v3/volumes/{volume_id}"
        await cloud.until(one, lambda a: a.json["volume"]["status"] == "available")
        stop = {"os-stop": None}
        await cloud.call("POST", f"{SERVERS}/{id}/action", json_=stop)
        await cloud.until(f"{SERVERS}/{id}", lambda a: a.json["server"]["status"] == "SHUTOFF")
        grow = {"os-extend": {"new_size": 3}}
        headers = {"OpenStack-API-Version": "volume 3.42"}
        await cloud.call("POST", f"{one}/action", json_=grow, headers=headers)
        await cloud.until(one, lambda a: a.json["volume"]["size"] == 3)
        await cloud.call("DELETE", f"{SERVERS}/{id}")
        await cloud.until(f"{SERVERS}/{id}", lambda a: a.status == 404)

        def caught_up(answer: Answer) -> bool:
            found = answer.json["usage"]
            states = {each["facts"].get("state") for each in found}
            return states >= {"building", "active", "stopped"}

        told = await cloud.until("/rating/v1/usage", caught_up)
        lines = told.json["usage"]
        sizes = {e["facts"]["size"] for e in lines if e["resource_type"] == "volume"}
        assert sizes == {2, 3}
        assert all(each["project_id"] == cloud.projects["demo"] for each in lines)

        # No gap, no overlap: each interval begins when the one before it ended, to the microsecond.
        await asyncio.sleep(0.2)
        data = cloud.cloud.settings.data_dir
        found = rows(
            data,
            "SELECT began, ended FROM telemetry_intervals "
            f"WHERE resource_id = '{id}' ORDER BY began",
        )
        created, deleted = rows(
            data, f"SELECT created_at, deleted_at FROM servers WHERE id = '{id}'"
        )[0]
        assert found[0][0] == created
        assert found[-1][1] == deleted
        assert all(a[1] == b[0] for a, b in itertools.pairwise(found))
        # Read anew: the first answer may be from before the deletion was heard of.
        lines = (await cloud.call("GET", "/rating/v1/usage")).json["usage"]
        active = sum(e["hours"] for e in lines if e["resource_type"] == "instance") * 3600
        assert abs(active - (seconds_of(deleted) - seconds_of(created))) < 1e-6
        total = await cloud.call("GET", "/rating/v1/report/total")
        assert float(total.json) > 0
        foreign = f"/rating/v1/report/total?tenant_id={cloud.projects['demo'][::-1]}"
        assert (await cloud.call("GET", foreign)).status == 403

    async def run() -> None:
        async with running_cloud(tmp_path, telemetry={"prices": PRICES}) as cloud:
            await story(cloud)

    asyncio.run(run())


async def what_is_made(cloud: TestCloud) -> str:
    """A share, an image, a container, a zone; the zone's id."""
    net = await cloud.private_network()
    subnets = await cloud.call("GET", f"/network/v2.0/subnets?network_id={net}")
    subnet = subnets.json["subnets"][0]["id"]
    networks = {"share_network": {"neutron_net_id": net, "neutron_subnet_id": subnet}}
    made = await cloud.call("POST", "/share/v2/share-networks", json_=networks)
    assert made.status in (200, 202), made.raw
    network = made.json["share_network"]["id"]
    share = {"share_proto": "NFS", "size": 1, "share_network_id": network}
    made = await cloud.call("POST", "/share/v2/shares", json_={"share": share})
    assert made.status == 200, made.raw
    image = {"name": "i", "disk_format": "raw", "container_format": "bare"}
    made = await cloud.call("POST", "/image/v2/images", json_=image)
    file = f"/image/v2/images/{made.json['id']}/file"
    octets = {"content-type": "application/octet-stream"}
    sent = await cloud.call("PUT", file, headers=octets, body=bytes(2**20))
    assert sent.status == 204, sent.raw
    account = f"/object-store/v1/AUTH_{cloud.projects['demo']}"
    assert (await cloud.call("PUT", f"{account}/box")).status == 201
    put = await cloud.call("PUT", f"{account}/box/thing", headers=octets, body=bytes(2**20))
    assert put.status == 201, put.raw
    zone = {"name": "telemetry.example.", "email": "a@telemetry.example"}
    made = await cloud.call("POST", "/dns/v2/zones", json_=zone)
    assert made.status in (201, 202), made.raw
    return str(made.json["id"])


async def what_is_given(cloud: TestCloud, zone_id: str) -> None:
    """A zone is given away: from then on its taker pays."""
    tasks = "/dns/v2/zones/tasks"
    requests = f"/dns/v2/zones/{zone_id}/tasks/transfer_requests"
    offer = await cloud.call("POST", requests, json_={})
    assert offer.status == 201, offer.raw
    accept = {"key": offer.json["key"], "zone_transfer_request_id": offer.json["id"]}
    taken = await cloud.call("POST", f"{tasks}/transfer_accepts", as_="admin", json_=accept)
    assert taken.status == 201, taken.raw
    end = time.monotonic() + 5
    sql = (
        "SELECT project_id, ended FROM telemetry_intervals "
        f"WHERE resource_id = '{zone_id}' ORDER BY began"
    )
    while len(of := rows(cloud.cloud.settings.data_dir, sql)) < 2:
        assert time.monotonic() < end, of
        await asyncio.sleep(0.02)
    assert [each[0] for each in of] == [cloud.projects["demo"], cloud.projects["admin"]]
    assert of[0][1] is not None and of[1][1] is None
    # What is measured of it goes with it.
    await cloud.until(f"/metric/v1/resource/zone/{zone_id}", lambda a: a.status == 404)


def test_what_other_services_are_paid_for(tmp_path: Path) -> None:
    """Images by their size, shares, zones, containers; and who is given something pays for it."""

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")
            zone_id = await what_is_made(cloud)
            store = cloud.cloud.services.object_store
            looks = ContainerLooks(cloud.cloud.database, store)
            await looks.once()
            await looks.once()

            def kinds(answer: Answer) -> dict[str, dict[str, Any]]:
                return {each["resource_type"]: each["facts"] for each in answer.json["usage"]}

            wanted = {"share", "zone", "image", "container"}
            told = await cloud.until("/rating/v1/usage", lambda a: set(kinds(a)) >= wanted)
            assert kinds(told)["container"]["bytes"] == 2**20
            assert kinds(told)["image"]["size"] == round(1 / 1024, 6)
            sql = "SELECT count(*) FROM telemetry_intervals WHERE resource_type = 'container'"
            assert rows(cloud.cloud.settings.data_dir, sql) == [(1,)]
            await what_is_given(cloud, zone_id)

    asyncio.run(run())


def listening(heard: list[bytes], written: list[bytes]) -> ThreadingHTTPServer:
    """What is posted to `/write`, and what to other places."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (written if self.path == "/write" else heard).append(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=listener.serve_forever, daemon=True).start()
    return listener


async def sent_on(written: list[bytes]) -> None:
    """What hosts tell goes on to Prometheus, too."""
    end = time.monotonic() + 10
    while not any(b"ceilometer_cpu" in each for each in written):
        assert time.monotonic() < end, len(written)
        await asyncio.sleep(0.05)


def test_metrics_of_guests_and_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, written = list[bytes](), list[bytes]()
    monkeypatch.setattr(remote_write, "SECONDS", 0.2)

    async def story(cloud: TestCloud, port: int) -> None:
        id = await server(cloud, "busy")
        policy = {
            "name": "second",
            "definition": [{"granularity": "1s", "points": 3600}],
            "aggregation_methods": ["mean", "rate:mean", "max"],
        }
        made = await cloud.call("POST", "/metric/v1/archive_policy", as_="admin", json_=policy)
        assert made.status == 201, made.raw
        resource = f"/metric/v1/resource/instance/{id}"
        await cloud.until(
            resource, lambda a: a.status == 200 and "cpu" in a.json["metrics"], seconds=15
        )
        cpu = f"{resource}/metric/cpu/measures"
        await cloud.until(
            f"{cpu}?aggregation=mean", lambda a: a.status == 200 and len(a.json) >= 1, seconds=15
        )
        # What the cloud measures is read by the project, and changed by nobody.
        for method, place, body in (
            ("POST", cpu, [{"timestamp": 1, "value": 1}]),
            ("DELETE", f"{resource}/metric/cpu", None),
            ("PATCH", resource, {"project_id": None}),
            ("DELETE", resource, None),
            ("POST", "/metric/v1/metric", {"name": "requests", "resource_id": id}),
        ):
            refused = await cloud.call(method, place, json_=body)
            assert refused.status == 403, (method, place, refused.raw)
        mine = await cloud.call("POST", "/metric/v1/resource/generic", json_={"id": "my host"})
        assert mine.status == 201, mine.raw
        id = "my host"
        metric = {"name": "requests", "archive_policy_name": "second", "resource_id": id}
        metric_id = (await cloud.call("POST", "/metric/v1/metric", json_=metric)).json["id"]
        alarm = {
            "name": "hot",
            "type": "gnocchi_resources_threshold",
            "alarm_actions": [f"http://127.0.0.1:{port}/hot"],
            "gnocchi_resources_threshold_rule": {
                "metric": "requests",
                "resource_id": id,
                "resource_type": "generic",
                "aggregation_method": "max",
                # As `openstack alarm create` sends it.
                "granularity": "1",
                "evaluation_periods": 2,
                "threshold": 10,
                "comparison_operator": "gt",
            },
        }
        answer = await cloud.call("POST", "/alarming/v2/alarms", json_=alarm)
        assert answer.status == 201, answer.raw
        one = f"/alarming/v2/alarms/{answer.json['alarm_id']}"
        now = time.time()
        points = [{"timestamp": now - n, "value": 20.0} for n in range(3)]
        sent = await cloud.call("POST", f"/metric/v1/metric/{metric_id}/measures", json_=points)
        assert sent.status == 202, sent.raw
        await cloud.until(one, lambda a: a.json["state"] == "alarm")
        end = time.monotonic() + 10
        while not heard:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        assert b'"current":"alarm"' in heard[0] and len(heard) == 1
        history = (await cloud.call("GET", f"{one}/history")).json
        assert [each["type"] for each in history] == ["state transition", "creation"]
        assert (await cloud.call("GET", f"{one}/state")).json == "alarm"
        # Of what is not there, or not one's own, nothing is seen.
        wish = dict(
            alarm,
            gnocchi_resources_threshold_rule={
                **alarm["gnocchi_resources_threshold_rule"],
                "resource_id": "00000000-0000-4000-8000-000000000000",
            },
        )
        blind = await cloud.call("POST", "/alarming/v2/alarms", json_=wish)
        await cloud.until(
            f"/alarming/v2/alarms/{blind.json['alarm_id']}",
            lambda a: "does not exist" in a.json["state_reason"],
        )

    async def run() -> None:
        listener = listening(heard, written)
        try:
            url = f"http://127.0.0.1:{listener.server_address[1]}/write"
            more: dict[str, Any] = {
                "telemetry": {"remote_write": url},
                "hosts": {"sample_seconds": 1.0},
                "outbound": {"allowed_networks": ["127.0.0.1/32"]},
            }
            async with running_cloud(tmp_path, **more) as cloud:
                await story(cloud, listener.server_address[1])
                await sent_on(written)
        finally:
            listener.shutdown()

    asyncio.run(run())


def test_bad_input_is_a_clear_error(tmp_path: Path) -> None:
    measures = "/metric/v1/metric/none/measures"
    wrong: list[tuple[str, str, Any, int]] = [
        ("GET", f"{measures}?start=x", None, 400),
        ("POST", "/metric/v1/metric", {"archive_policy_name": "none"}, 400),
        ("POST", "/metric/v1/metric", {"name": 5}, 400),
        ("POST", "/metric/v1/resource/generic", {"id": "x", "started_at": "9" * 400}, 400),
        ("POST", "/metric/v1/resource/none", {"id": "x"}, 404),
        ("POST", "/metric/v1/resource/generic", {"id": "x", "more": 1}, 400),
        ("POST", "/metric/v1/batch/metrics/measures", {"none": []}, 400),
        ("POST", "/alarming/v2/alarms", {"name": "a", "type": "composite"}, 400),
        ("POST", "/alarming/v2/alarms", {"name": "a", "type": "gnocchi_resources_threshold"}, 400),
        ("GET", "/alarming/v2/alarms?q.field=nothing&q.value=1", None, 400),
        ("GET", "/rating/v1/usage?begin=never", None, 400),
        ("GET", "/rating/v1/usage?begin=9999-12-31&end=0001-01-01", None, 200),
    ]

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            for method, path, body, status in wrong:
                answer = await cloud.call(method, path, json_=body)
                assert answer.status == status, (method, path, answer.status, answer.raw)

    asyncio.run(run())


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = wiring.open_database(settings.load(tmp_path_factory.mktemp("usage")))
    yield opened
    opened.close()


numbers = itertools.count()
lives = st.lists(st.tuples(st.integers(-900, 3600), st.sampled_from([None, 1, 2, 4])), max_size=12)


@given(life=lives, batches=st.integers(1, 5))
def test_the_sum_of_intervals_is_what_the_history_did(
    database: Any, life: list[tuple[int, int | None]], batches: int
) -> None:
    """A random life of one thing (it comes, grows, goes, comes again), by its events, however they
    are cut into batches, against a sum by hand. The cloud's clock is put back at times: then it
    stands still for the thing."""
    metrics = Metrics()
    consumer = UsageConsumer([Metered("volume", "volume.usage", lambda row: None)], metrics)
    number = next(numbers)
    at, size, expected = 1_800_000_000.0, None, 0.0
    told = 0.0
    events = []
    for wait, now in life:
        at += wait
        if now != size:
            expected += max(0.0, at - told) * (size or 0)
            told = max(told, at)
            facts = None if now is None else {"size": now}
            detail = {"facts": facts, "name": None, "owner": None}
            events.append(
                EventRow(
                    0,
                    0,
                    to_moment(at),
                    "volume.usage",
                    "block_storage",
                    "volume",
                    f"thing-{number}",
                    f"project-{number}",
                    None,
                    None,
                    detail,
                )
            )
            size = now
    for start in range(0, len(events), batches):
        part = events[start : start + batches]
        database.write_now(lambda tx, part=part: consumer.handle(tx, part))
    expected += max(0.0, at - told) * (size or 0)
    since, until = to_moment(1_700_000_000.0), to_moment(max(at, told))
    usage = Usage(PriceBook({"volume.size": 1.0}))
    lines = database.write_now(
        lambda tx: usage.lines(tx, since, until, f"project-{number}") if life else []
    )
    assert abs(sum(each.price for each in lines) * 3600.0 - expected) < 1e-3
