"""A group of simulated servers that an alarm on their CPU makes grow and shrink."""

import asyncio
import time
from pathlib import Path
from typing import Any

from cumulo.telemetry.queries import alarm as queries
from tests.support.cloud import BASE, TestCloud, running_cloud

SERVERS = "/compute/v2.1/servers"
STACKS = "/orchestration/v1"


def alarm(policy: str, operator: str, threshold: float) -> dict[str, Any]:
    """As templates of autoscaling have it: the group's mean CPU, in ns from sample to sample."""
    return {
        "type": "OS::Aodh::GnocchiAggregationByResourcesAlarm",
        "properties": {
            "metric": "cpu",
            "resource_type": "instance",
            "aggregation_method": "rate:mean",
            "granularity": 1,
            "evaluation_periods": 1,
            "threshold": threshold,
            "comparison_operator": operator,
            "alarm_actions": [
                {
                    "str_replace": {
                        "template": "trust+url",
                        "params": {"url": {"get_attr": [policy, "signal_url"]}},
                    }
                }
            ],
            "query": {
                "str_replace": {
                    "template": '{"and": [{"=": {"server_group": "stack_id"}}, '
                    '{"=": {"ended_at": null}}]}',
                    "params": {"stack_id": {"get_param": "OS::stack_id"}},
                }
            },
        },
    }


def scaling(by: int) -> dict[str, Any]:
    return {
        "type": "OS::Heat::ScalingPolicy",
        "properties": {
            "adjustment_type": "change_in_capacity",
            "auto_scaling_group_id": {"get_resource": "group"},
            "cooldown": 1,
            "scaling_adjustment": by,
        },
    }


def template() -> dict[str, Any]:
    server = {
        "type": "OS::Nova::Server",
        "properties": {
            "flavor": "42",
            "image": "cumulo-guest",
            "networks": [{"allocate_network": "none"}],
            "metadata": {"metering.server_group": {"get_param": "OS::stack_id"}},
        },
    }
    return {
        "heat_template_version": "2021-04-16",
        "resources": {
            "group": {
                "type": "OS::Heat::AutoScalingGroup",
                "properties": {"min_size": 1, "max_size": 2, "resource": server},
            },
            "up": scaling(1),
            "down": scaling(-1),
            "high": alarm("up", "gt", 5e8),
            "low": alarm("down", "lt", 5e7),
        },
    }


def load(cloud: TestCloud, busy: float) -> None:
    """How many processors each guest keeps busy."""
    for agent in cloud.cloud.agents:
        part: Any = agent.parts["compute"]
        part.driver.load["*"] = busy


async def signalled(cloud: TestCloud, url: str) -> None:
    """Orchestration's own address of a signal needs a token: an alarm has its owner's right there
    after `trust+`, and none without."""
    database: Any = cloud.cloud.database
    for action in (url, f"trust+{url}"):
        rule = {"event_type": "image.*"}
        wish = {"name": "n", "type": "event", "event_rule": rule, "alarm_actions": [action]}
        made = await cloud.call("POST", "/alarming/v2/alarms", json_=wish)
        assert made.json["alarm_actions"] == [action], made.raw
        id = made.json["alarm_id"]
        image = await cloud.call("POST", "/image/v2/images", json_={"name": "happens"})
        assert image.status == 201, image.raw
        await cloud.until(f"/alarming/v2/alarms/{id}", lambda a: a.json["state"] == "alarm")
        end = time.monotonic() + 5
        while True:
            calls = database.read_now(lambda tx, id=id: tx.all(queries.WAITING_CALLS, alarm=id))
            refused = [call for call in calls if call.tries]
            if refused or not calls:
                break
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        assert bool(refused) == (action == url)
        await cloud.call("DELETE", f"/alarming/v2/alarms/{id}")


def test_a_group_follows_its_load(tmp_path: Path) -> None:
    async def servers(cloud: TestCloud, count: int) -> None:
        def there(answer: Any) -> bool:
            found = answer.json["servers"]
            return len(found) == count and all(each["status"] == "ACTIVE" for each in found)

        await cloud.until(f"{SERVERS}/detail", there, seconds=20)

    async def story(cloud: TestCloud) -> None:
        await cloud.token("demo")
        load(cloud, 0.2)
        stacks = f"{STACKS}/{cloud.projects['demo']}/stacks"
        body = {"stack_name": "web", "template": template()}
        made = await cloud.call("POST", stacks, json_=body)
        assert made.status == 201, made.raw
        one = f"{stacks}/web/{made.json['stack']['id']}"
        await cloud.until(
            one, lambda a: a.json["stack"]["stack_status"] == "CREATE_COMPLETE", seconds=20
        )
        await servers(cloud, 1)
        found = await cloud.call("GET", "/alarming/v2/alarms?sort=name:asc")
        high, low = (each["alarm_id"] for each in found.json)
        await cloud.until(
            f"/alarming/v2/alarms/{high}", lambda a: a.json["state"] == "ok", seconds=15
        )
        load(cloud, 0.9)
        await servers(cloud, 2)
        load(cloud, 0.01)
        await servers(cloud, 1)
        history = await cloud.call("GET", f"/alarming/v2/alarms/{low}/history")
        assert any("Transition to alarm" in each["detail"] for each in history.json)
        await asyncio.sleep(1.5)  # The group and the policy cool down.
        await signalled(cloud, f"{BASE}{one}/resources/up/signal")
        await servers(cloud, 2)
        assert (await cloud.call("DELETE", one)).status == 204
        await cloud.until(
            one, lambda a: a.json["stack"]["stack_status"] == "DELETE_COMPLETE", seconds=20
        )
        assert (await cloud.call("GET", "/alarming/v2/alarms")).json == []

    async def run() -> None:
        more: dict[str, Any] = {
            "hosts": {"sample_seconds": 1.0},
            "telemetry": {"archive_policy_rate": "ceilometer-high-rate"},
        }
        async with running_cloud(tmp_path, **more) as cloud:
            await story(cloud)

    asyncio.run(run())


def test_it_fires_by_the_measure_and_not_by_the_clock(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            resource = {"id": "host-1", "metrics": {"load": {"archive_policy_name": "high"}}}
            made = await cloud.call("POST", "/metric/v1/resource/generic", json_=resource)
            metric = made.json["metrics"]["load"]
            wish = {
                "name": "busy",
                "type": "gnocchi_aggregation_by_resources_threshold",
                "gnocchi_aggregation_by_resources_threshold_rule": {
                    "metric": "load",
                    "resource_type": "generic",
                    "query": '{"like": {"original_resource_id": "host-%"}}',
                    "aggregation_method": "max",
                    "granularity": 60,
                    "threshold": 8,
                    "comparison_operator": "gt",
                },
            }
            answer = await cloud.call("POST", "/alarming/v2/alarms", json_=wish)
            assert answer.status == 201, answer.raw
            one = f"/alarming/v2/alarms/{answer.json['alarm_id']}"
            measure = [{"timestamp": time.time(), "value": 9}]
            # The clock would look after a granularity, which is a minute.
            await cloud.call("POST", f"/metric/v1/metric/{metric}/measures", json_=measure)
            await cloud.until(one, lambda a: a.json["state"] == "alarm", seconds=5)
            # Another resource comes into the search: its first measure counts as soon.
            resource = {"id": "host-2", "metrics": {"load": {"archive_policy_name": "high"}}}
            made = await cloud.call("POST", "/metric/v1/resource/generic", json_=resource)
            await cloud.call("DELETE", f"/metric/v1/metric/{metric}")
            await cloud.call(
                "POST",
                f"/metric/v1/metric/{made.json['metrics']['load']}/measures",
                json_=[{"timestamp": time.time(), "value": 1}],
            )
            await cloud.until(one, lambda a: a.json["state"] == "ok", seconds=5)
            # Taken by a control node that is not the one that looks: it is told by the database.
            leases = cloud.cloud.frame.nodes.leases
            leases.alone = False
            measure = [{"timestamp": time.time() + 1, "value": 9}]
            path = f"/metric/v1/metric/{made.json['metrics']['load']}/measures"
            await cloud.call("POST", path, json_=measure)
            leases.alone = True
            for loop in cloud.cloud.reconcilers:
                loop.wakeup.ring()
            await cloud.until(one, lambda a: a.json["state"] == "alarm", seconds=5)

    asyncio.run(run())
