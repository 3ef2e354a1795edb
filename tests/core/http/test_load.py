"""Under overload who asks for much waits, and nobody else; work is bounded; health says so."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import DatabaseAway
from cumulo.core.faults import TooManyRequests, Unavailable
from cumulo.core.http import faults, health
from cumulo.core.http.load import LOOKS, Load, LoadLimits
from cumulo.core.http.operations import Call, Face, Operation
from tests.core.http.app import application, exchange, serving
from tests.support.cloud import running_cloud


def late(load: Load, seconds: float, looks: int = LOOKS) -> None:
    for _ in range(looks):
        load.look(seconds)


class TestBuckets:
    def test_they_bite_under_overload_only(self) -> None:
        load = Load(LoadLimits(per_second=1.0, burst=10.0))
        for _ in range(1000):
            load.count("greedy")
        late(load, 0.5, LOOKS - 1)
        load.count("greedy")
        late(load, 0.5, 1)
        with pytest.raises(TooManyRequests) as caught:
            load.count("greedy")
        assert caught.value.headers["Retry-After"] == "1"
        for _ in range(5):
            load.count("modest")
        late(load, 0.0, 1)
        load.count("greedy")

    def test_they_are_filled_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [100.0]
        monkeypatch.setattr("cumulo.core.http.load.time.monotonic", lambda: now[0])
        load = Load(LoadLimits(per_second=2.0, burst=4.0))
        late(load, 1.0)
        for _ in range(4):
            load.count("a")
        with pytest.raises(TooManyRequests):
            load.count("a")
        now[0] += 1.0
        load.count("a")
        load.count("a")
        with pytest.raises(TooManyRequests):
            load.count("a")

    def test_they_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cumulo.core.http.load.KEPT", 10)
        load = Load()
        for n in range(100):
            load.count(f"who {n}")
        assert len(load._buckets) == 10


def test_places_and_bodies_are_bounded() -> None:
    load = Load(LoadLimits(at_once=1, body_bytes=100))
    with load.place(), pytest.raises(Unavailable), load.place():
        pass
    with load.place():
        pass
    with load.reading(60), pytest.raises(Unavailable), load.reading(60):
        pass
    with load.reading(100):
        pass
    assert load.refused == 2


async def slow(call: Call) -> Any:
    await asyncio.sleep(1.0)
    return {}


FACE = Face(
    name="compute",
    mount="/compute",
    faults=faults.compute,
    rules=Rules({}),
    operations=[
        Operation("GET", "/quick", lambda call, tx: {}),
        Operation("GET", "/slow", slow, kind="stream"),
    ],
)
TOKEN = "X-Auth-Token: good"


def test_over_http() -> None:
    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            made.load.limits = LoadLimits(per_second=0.001, burst=2.0, at_once=1)
            late(made.load, 1.0)
            for wanted in (200, 200, 429):
                status, head, body = await exchange(port, f"GET /compute/quick HTTP/1.1\r\n{TOKEN}")
                assert status == wanted
            assert "retry-after: " in head
            assert json.loads(body)["overLimit"]["code"] == 429
            made.load.overloaded = False
            waiting = asyncio.create_task(exchange(port, f"GET /compute/slow HTTP/1.1\r\n{TOKEN}"))
            await asyncio.sleep(0.2)
            status, head, _ = await exchange(port, f"GET /compute/quick HTTP/1.1\r\n{TOKEN}")
            assert (status, "retry-after: 1" in head) == (503, True)
            assert (await waiting)[0] == 200

    asyncio.run(main())


def test_in_a_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets never bite inside; metrics count; health says what is wrong."""
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)

    async def main() -> None:
        wanted = {"burst": 1, "per_second": 0.001}
        async with running_cloud(tmp_path, load=wanted) as cloud:
            app = cloud.cloud.application
            token = await cloud.token("demo")
            identity, database = cloud.cloud.services.identity, cloud.cloud.database
            demo: Principal = await database.read(lambda tx: identity.verify(tx, token))
            answer = await cloud.call("GET", "/healthz", as_=None)
            assert (answer.status, answer.json) == (200, {"status": "ok", "problems": []})
            path = "/network/v2.0/networks"
            await cloud.call("GET", path)
            app.load.look(0.0)
            late(app.load, 9.0)
            assert (await cloud.call("GET", path)).status == 429
            caller = cloud.cloud.frame.caller
            assert [(await caller.call(demo, "GET", path)).status for _ in range(9)] == [200] * 9
            app.load.overloaded = False
            late(app.load, 0.0)

            metrics = await cloud.call("GET", "/metrics", as_=None)
            text = metrics.raw.decode()
            assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
            name = 'service="network",operation="GET /network/v2.0/networks"'
            assert f'cumulo_requests_total{{{name},status="200"}}' in text
            assert f'cumulo_requests_total{{{name},status="429"}} 1' in text
            assert 'cumulo_reconcile_age_seconds{reconciler="image removals"}' in text
            assert (await cloud.call("GET", "/metrics")).status == 403
            assert (await cloud.call("GET", "/metrics", as_="admin")).status == 200
            proxied = {"X-Forwarded-For": "203.0.113.9"}
            assert (await cloud.call("GET", "/metrics", as_=None, headers=proxied)).status == 401

            database.run_script(["UPDATE hosts SET last_seen = '2001-01-01T00:00:00Z'"])
            answer = await cloud.call("GET", "/healthz", as_=None)
            told = {"status": "degraded", "problems": ["silent hosts: 1"]}
            assert (answer.status, answer.json) == (200, told)
            app.health.draining = True
            answer = await cloud.call("GET", "/healthz", as_=None)
            assert (answer.status, answer.json["status"]) == (503, "draining")
            app.health.draining = False

            async def away(work: Any) -> Any:
                raise DatabaseAway("gone")

            monkeypatch.setattr(database, "read", away)
            answer = await cloud.call("GET", "/healthz", as_=None)
            assert (answer.status, answer.json["status"]) == (503, "down")
            monkeypatch.undo()

    asyncio.run(main())
