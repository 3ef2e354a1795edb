"""Alarms: whose measures wake them, by whose right they look, what they call and how often."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.telemetry.model.alarm import AlarmRow, CallRow
from cumulo.telemetry.queries import alarm as queries
from tests.support.cloud import BASE, TestCloud, running_cloud

ALARMS = "/alarming/v2/alarms"
METRICS = "/metric/v1/metric"
POLICY = {
    "name": "second",
    "definition": [{"granularity": "1s", "points": 10}],
    "aggregation_methods": ["mean", "max", "min", "sum", "count"],
}


async def metric(cloud: TestCloud, as_: str = "demo") -> str:
    body = {"name": "m", "archive_policy_name": "second"}
    made = await cloud.call("POST", METRICS, as_=as_, json_=body)
    assert made.status == 201, made.raw
    return str(made.json["id"])


async def measure(cloud: TestCloud, id: str, *values: float, as_: str = "demo") -> None:
    now = time.time()
    points = [{"timestamp": now - n, "value": value} for n, value in enumerate(values)]
    sent = await cloud.call("POST", f"{METRICS}/{id}/measures", as_=as_, json_=points)
    assert sent.status == 202, sent.raw


def wish(*metrics: str, method: str = "max", **more: Any) -> dict[str, Any]:
    rule = {
        "metrics": list(metrics),
        "aggregation_method": method,
        "granularity": 1,
        "evaluation_periods": 1,
        "threshold": 90,
        "comparison_operator": "gt",
    }
    kind = "gnocchi_aggregation_by_metrics_threshold"
    return {"name": "a", "type": kind, f"{kind}_rule": rule, **more}


async def alarm(cloud: TestCloud, body: dict[str, Any], as_: str = "demo") -> str:
    made = await cloud.call("POST", ALARMS, as_=as_, json_=body)
    assert made.status == 201, made.raw
    return str(made.json["alarm_id"])


def row(cloud: TestCloud, id: str) -> AlarmRow:
    found = cloud.cloud.database.read_now(lambda tx: tx.get(AlarmRow, id))  # type: ignore[attr-defined]
    assert isinstance(found, AlarmRow)
    return found


async def strangers_measures_wake_nobody(cloud: TestCloud) -> None:
    theirs, mine = await metric(cloud, "admin"), await metric(cloud)
    waiting = await alarm(cloud, wish(theirs, repeat_actions=True), "admin")
    own = await alarm(cloud, wish(mine))
    await measure(cloud, theirs, 95, 95, as_="admin")
    one = f"{ALARMS}/{waiting}"
    await cloud.until(one, lambda a: a.json["state"] == "alarm", as_="admin")
    before = row(cloud, waiting)
    for _ in range(5):
        await measure(cloud, mine, 95, 95)
    await cloud.until(f"{ALARMS}/{own}", lambda a: a.json["state"] == "alarm")
    assert row(cloud, waiting) == before
    # Its own do, but it calls no oftener than once in an interval.
    for _ in range(3):
        await measure(cloud, theirs, 95, 95, as_="admin")
        await asyncio.sleep(0.05)
    assert row(cloud, waiting).repeated_at == before.repeated_at


async def what_goes_round_is_slow(cloud: TestCloud) -> None:
    """Each event calls this cloud, whose work makes the next event: here by an address
    that is not there, so that the events are ours to count."""
    url = f"trust+{BASE}/orchestration/v1/nowhere"
    any_event = {"type": "event", "event_rule": {"event_type": "*"}, "alarm_actions": [url]}
    id = await alarm(cloud, {"name": "round", "repeat_actions": True, **any_event})
    database: Any = cloud.cloud.database

    def calls() -> list[CallRow]:
        return list(database.read_now(lambda tx: tx.all(queries.WAITING_CALLS, alarm=id)))

    fired = []
    for n in range(12):
        before = row(cloud, id).repeated_at
        await cloud.call("POST", "/image/v2/images", json_={"name": f"event {n}"})
        for _ in range(100):
            if row(cloud, id).repeated_at != before:
                break
            await asyncio.sleep(0.02)
        fired.append(row(cloud, id).repeated_at)
    assert len(set(fired)) == 12, "each event is seen"
    waiting = calls()
    assert len(waiting) <= 2
    assert any(each.due > later(fired[-2], 5) for each in waiting)
    await cloud.call("DELETE", f"{ALARMS}/{id}")


async def several_metrics(cloud: TestCloud) -> None:
    low, high = await metric(cloud), await metric(cloud)
    ids = {name: await alarm(cloud, wish(low, high, method=name)) for name in ("max", "mean")}
    for id in (low, high):
        await measure(cloud, id, *([99] * 4 if id == high else [1] * 4))
    await cloud.until(f"{ALARMS}/{ids['max']}", lambda a: a.json["state"] == "alarm")
    await cloud.until(f"{ALARMS}/{ids['mean']}", lambda a: a.json["state"] == "ok")


async def what_is_refused(cloud: TestCloud) -> None:
    mine = await metric(cloud)
    unknown = wish(mine)
    unknown["gnocchi_aggregation_by_metrics_threshold_rule"]["more"] = "x" * 1000
    night = {"name": "night", "start": "0 0 * * *", "duration": 3600}
    for body, status in (
        (wish(mine, alarm_actions=["log://"]), 403),
        (wish(mine, alarm_actions=["test://"]), 403),
        (wish(mine, time_constraints=[night, night]), 400),
        (wish(mine, time_constraints=[{**night, "start": "61 0 * * *"}]), 400),
        (wish(mine, time_constraints=[{**night, "timezone": "../etc/passwd"}]), 400),
        (wish(mine, time_constraints=[{**night, "duration": -1}]), 400),
        (wish(mine, alarm_actions=["trust+http://192.0.2.1/"]), 400),
        (wish(mine, alarm_actions=["zaqar://x"]), 400),
        (wish(mine, alarm_actions=["trust+heat://"]), 400),
        ({**wish(mine), "type": "loadbalancer_member_health"}, 400),
        (wish(mine, state="red"), 400),
        (unknown, 400),
    ):
        refused = await cloud.call("POST", ALARMS, json_=body)
        assert refused.status == status, (body, refused.raw)
    theirs = await metric(cloud, "admin")
    made = await cloud.call(
        "POST", ALARMS, as_="admin", json_=wish(theirs, alarm_actions=["log://"])
    )
    assert made.status == 201, made.raw
    rate = {**POLICY, "name": "rates", "aggregation_methods": ["rate:most"]}
    answer = await cloud.call("POST", "/metric/v1/archive_policy", as_="admin", json_=rate)
    assert answer.status == 400, answer.raw


async def states(cloud: TestCloud) -> None:
    body = wish(await metric(cloud), state="ok", enabled=False)
    made = await cloud.call("POST", ALARMS, json_=body)
    assert made.json["state"] == "ok"
    one = f"{ALARMS}/{made.json['alarm_id']}"
    changed = await cloud.call("PUT", one, json_={**body, "state": "alarm"})
    assert changed.json["state"] == "alarm", changed.raw
    history = (await cloud.call("GET", f"{one}/history")).json
    assert [each["type"] for each in history] == ["rule change", "creation"]
    assert json.loads(history[0]["detail"])["state"] == "alarm"
    without = {name: value for name, value in body.items() if name != "state"}
    assert (await cloud.call("PUT", one, json_=without)).json["state"] == "alarm"


async def whose_right_has_ended(cloud: TestCloud) -> None:
    """An administrator's alarm on a foreign metric, and then one is none any more."""
    mine = await metric(cloud)
    v3 = "/identity/v3"
    user = {"name": "passing", "password": "Passw0rd!x"}
    made = await cloud.call("POST", f"{v3}/users", as_="admin", json_={"user": user})
    user_id, project = made.json["user"]["id"], cloud.projects["admin"]
    roles = await cloud.call("GET", f"{v3}/roles?name=admin", as_="admin")
    role = f"{v3}/projects/{project}/users/{user_id}/roles/{roles.json['roles'][0]['id']}"
    assert (await cloud.call("PUT", role, as_="admin")).status == 204
    auth = {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"id": user_id, "password": user["password"]}},
        },
        "scope": {"project": {"id": project}},
    }
    token = await cloud.call("POST", f"{v3}/auth/tokens", as_=None, json_={"auth": auth})
    headers = {"x-auth-token": token.headers["x-subject-token"]}
    body = wish(mine)
    made = await cloud.call("POST", ALARMS, as_=None, headers=headers, json_=body)
    assert made.status == 201, made.raw
    one = f"{ALARMS}/{made.json['alarm_id']}"
    await measure(cloud, mine, 95, 95)
    await cloud.until(one, lambda a: a.json["state"] == "alarm", as_="admin")
    # One of the project itself looks at nothing of others.
    blind = await alarm(cloud, wish(await metric(cloud, "admin")))
    assert (await cloud.call("DELETE", role, as_="admin")).status == 204
    await measure(cloud, mine, 1, 1)
    ended = await cloud.until(one, lambda a: a.json["state"] == "insufficient data", as_="admin")
    assert "right" in ended.json["state_reason"]
    seen = await cloud.until(f"{ALARMS}/{blind}", lambda a: "exist" in a.json["state_reason"])
    assert seen.json["state"] == "insufficient data"


async def calls_of_what_is_gone(cloud: TestCloud) -> None:
    """Of which only so many wait; and a state that somebody sets calls nobody."""
    rule = {"event_type": "image.create"}
    body = {"name": "flood", "type": "event", "event_rule": rule, "repeat_actions": True}
    id = await alarm(cloud, {**body, "alarm_actions": ["http://192.0.2.1:9/never"]})
    before = row(cloud, id).repeated_at
    for state in ("alarm", "ok"):
        set_ = await cloud.call("PUT", f"{ALARMS}/{id}/state", json_=state)
        assert (set_.status, set_.json) == (200, state)
    assert row(cloud, id).repeated_at == before
    for number in range(30):
        await cloud.call("POST", "/image/v2/images", json_={"name": f"flood {number}"})
    await cloud.until(f"{ALARMS}/{id}", lambda a: a.json["state"] == "alarm")
    database: Any = cloud.cloud.database

    def waiting(tx: Tx) -> list[CallRow]:
        return tx.all(queries.WAITING_CALLS, alarm=id)

    assert 0 < len(database.read_now(waiting)) <= 20
    assert (await cloud.call("DELETE", f"{ALARMS}/{id}")).status == 204
    end = time.monotonic() + 15
    while database.read_now(waiting):
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def points_do_not_stay(cloud: TestCloud) -> None:
    mine = await metric(cloud)
    for number in range(40):
        points = [{"timestamp": 1_700_000_000 + 7 * number, "value": 1.0}]
        await cloud.call("POST", f"{METRICS}/{mine}/measures", json_=points)
    found = await cloud.call("GET", f"{METRICS}/{mine}/measures?aggregation=mean")
    assert len(found.json) <= 10


def test_alarms(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")
            await cloud.token("demo")
            made = await cloud.call("POST", "/metric/v1/archive_policy", as_="admin", json_=POLICY)
            assert made.status == 201, made.raw
            await strangers_measures_wake_nobody(cloud)
            await several_metrics(cloud)
            await what_is_refused(cloud)
            await states(cloud)
            await whose_right_has_ended(cloud)
            await calls_of_what_is_gone(cloud)
            await what_goes_round_is_slow(cloud)
            await points_do_not_stay(cloud)

    asyncio.run(run())
