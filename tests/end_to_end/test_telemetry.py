"""Gnocchi's, Aodh's and CloudKitty's own clients, and `openstack` with their plug-ins."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aodhclient.v2.client import Client as Aodh
from gnocchiclient import exceptions
from gnocchiclient.v1.client import Client as Gnocchi

from tests.support.served import ServedCloud, served_cloud
from tests.support.stock import StockClient

SETTINGS = """
[telemetry]
currency = "EUR"
prices = {"instance.vcpus" = 0.01, "volume.size" = 0.0001}
"""
T = 1_700_000_000 // 900 * 900


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    folder: Path = tmp_path_factory.mktemp("telemetry")
    with served_cloud(folder / "data", settings=SETTINGS) as served:
        yield served


def gnocchi(cloud: ServedCloud, user: str = "demo") -> Any:
    return Gnocchi(
        session=cloud.session(user), adapter_options={"service_type": "metric", "interface": None}
    )


def aodh(cloud: ServedCloud, user: str = "demo") -> Any:
    return Aodh(session=cloud.session(user), service_type="alarming")


def cloudkitty(cloud: ServedCloud, user: str, version: str = "1") -> Any:
    # What it needs does not come as wheels, so that no lock has it:
    # `pip install python-cloudkittyclient`.
    kitty = pytest.importorskip("cloudkittyclient.client")
    return kitty.Client(version, session=cloud.session(user))


def values(found: list[Any]) -> list[float]:
    return [value for _, _, value in found]


def series(*numbers: float, step: int = 60) -> list[dict[str, Any]]:
    return [{"timestamp": T + n * step, "value": value} for n, value in enumerate(numbers)]


def test_policies_rules_and_types(cloud: ServedCloud) -> None:
    admin = gnocchi(cloud, "admin")
    wish = {
        "name": "minute",
        "definition": [{"granularity": "0:01:00", "points": 60}],
        "aggregation_methods": ["mean", "max", "rate:mean", "95pct"],
    }
    made = admin.archive_policy.create(wish)
    assert made["definition"] == [{"granularity": "0:01:00", "points": 60, "timespan": "1:00:00"}]
    longer = {"definition": [{"granularity": "0:01:00", "points": 120}]}
    assert admin.archive_policy.update("minute", longer)["definition"][0]["points"] == 120
    other = {"definition": [{"granularity": "0:02:00", "points": 60}]}
    with pytest.raises(exceptions.BadRequest):
        admin.archive_policy.update("minute", other)
    rule = {"name": "r", "metric_pattern": "disk.*", "archive_policy_name": "minute"}
    admin.archive_policy_rule.create(rule)
    assert admin.archive_policy_rule.update("r", "disks")["name"] == "disks"
    client = gnocchi(cloud)
    with pytest.raises(exceptions.Forbidden):
        client.archive_policy_rule.create({**rule, "name": "other"})
    assert client.metric.create(name="disk.read")["archive_policy_name"] == "minute"
    assert client.metric.create(name="other")["archive_policy_name"] == "low"
    with pytest.raises(exceptions.BadRequest):
        admin.archive_policy.delete("minute")
    attributes = {"rack": {"type": "string", "required": True}, "slots": {"type": "number"}}
    attributes["slots"]["required"] = False
    admin.resource_type.create({"name": "switch", "attributes": attributes})
    patch = [{"op": "add", "path": "/attributes/on", "value": {"type": "bool", "required": False}}]
    assert set(admin.resource_type.update("switch", patch)["attributes"]) == {"rack", "slots", "on"}
    with pytest.raises(exceptions.BadRequest):
        client.resource.create("switch", {"id": "s0"})
    made = client.resource.create("switch", {"id": "s1", "rack": "a", "slots": 4})
    assert made["original_resource_id"] == "s1" and made["rack"] == "a"
    assert client.resource.get("switch", "s1")["id"] == made["id"]
    with pytest.raises(exceptions.BadRequest):
        admin.resource_type.delete("switch")
    client.resource.delete("s1")
    admin.resource_type.delete("switch")


def test_measures(cloud: ServedCloud) -> None:
    client = gnocchi(cloud)
    metric = client.metric.create(name="m", archive_policy_name="high")["id"]
    client.metric.add_measures(metric, series(1, 3, 5, 7, 100))
    found = client.metric.get_measures(metric, granularity=60)
    assert values(found) == [1, 3, 5, 7, 100] and found[0][1] == 60.0
    assert found[0][0] == datetime.fromtimestamp(T, UTC)
    resampled = client.metric.get_measures(metric, granularity=60, resample=300, aggregation="max")
    assert values(resampled) == [100] and resampled[0][1] == 300.0
    later = client.metric.get_measures(
        metric, granularity=60, start=datetime.fromtimestamp(T + 150, UTC)
    )
    assert values(later) == [5, 7, 100]
    with pytest.raises(exceptions.BadRequest):
        client.metric.get_measures(metric, granularity=60, resample="None")
    named = client.metric.create(name="by-name", resource_id=_resource(client, "holder"))
    assert named["name"] == "by-name"
    batch = {
        "holder": {"by-name": series(1, 2), "new": series(5, 5)},
        "nobody": {"x": series(1)},
    }
    with pytest.raises(exceptions.BadRequest) as refused:
        client.metric.batch_resources_metrics_measures(batch, create_metrics=True)
    assert refused.value.message["cause"] == "Unknown resources"
    del batch["nobody"]
    with pytest.raises(exceptions.BadRequest) as refused:
        client.metric.batch_resources_metrics_measures(batch)
    assert refused.value.message["detail"][0]["metrics"] == ["new"]
    client.metric.batch_resources_metrics_measures(batch, create_metrics=True)
    assert values(client.metric.get_measures("new", resource_id="holder", granularity=300)) == [5]
    large = {metric: [{"timestamp": T + n, "value": n} for n in range(5000)]}
    client.metric.batch_metrics_measures(large)
    assert len(client.metric.get_measures(metric, granularity=1)) == 3600
    with pytest.raises(exceptions.BadRequest) as refused:
        client.metric.batch_metrics_measures({"none": series(1)})
    assert refused.value.message["detail"] == ["none"]
    listed = client.metric.list(sorts=["name:desc-nullslast"], limit=2)
    assert len(listed) >= 2


def _resource(client: Any, name: str, **more: Any) -> str:
    client.resource.create("generic", {"id": name, **more})
    return name


def test_search_and_history(cloud: ServedCloud) -> None:
    client = gnocchi(cloud)
    for name, host in (("web-1", "a"), ("web-2", "b"), ("db-1", "a")):
        client.resource.create(
            "instance", {"id": name, "display_name": name, "host": host, "server_group": name[:2]}
        )
    search = client.resource.search

    def names(query: Any) -> list[str]:
        return sorted(row["original_resource_id"] for row in search("instance", query))

    assert names({"=": {"host": "a"}}) == ["db-1", "web-1"]
    assert names("host = 'a' and display_name like 'web%'") == ["web-1"]
    assert names('not (host="a" or display_name in ["web-2"])') == []
    assert names({"and": [{"=": {"server_group": "we"}}, {"=": {"ended_at": None}}]}) == [
        "web-1",
        "web-2",
    ]
    for wrong in ({"=": {"nothing": 1}}, "host ==", {"like": {"host": "%" * 300}}, {"x": {}}):
        with pytest.raises(exceptions.BadRequest):
            search("instance", wrong)
    client.resource.update("instance", "web-1", {"host": "c"})
    client.resource.update("instance", "web-1", {"host": "c"})
    history = client.resource.history("instance", "web-1")
    assert [row["host"] for row in history] == ["a", "c"]
    assert history[0]["revision_end"] == history[1]["revision_start"]
    assert [row["host"] for row in search("instance", {"=": {"host": "a"}}, history=True)] == ["a"]
    stranger = gnocchi(cloud, "admin")
    with pytest.raises(exceptions.NotFound):
        stranger.resource.get("instance", "web-1")
    assert client.resource.batch_delete({"like": {"display_name": "web%"}}, "instance") == {
        "deleted": 2
    }


def test_aggregates(cloud: ServedCloud) -> None:
    client = gnocchi(cloud)
    ids = {}
    for name, group, numbers in (
        ("n1", "x", (1, 2, 3)),
        ("n2", "x", (10, 20, 30)),
        ("n3", "y", (5, 5, 5)),
        ("n4", "z", ()),
    ):
        metrics = {"load": {"archive_policy_name": "medium"}} if numbers else {}
        made = client.resource.create(
            "instance", {"id": name, "host": group, "display_name": "agg", "metrics": metrics}
        )
        if numbers:
            ids[name] = made["metrics"]["load"]
            client.metric.add_measures(ids[name], series(*numbers))
    fetch = client.aggregates.fetch
    pair = [[ids["n1"], "mean"], [ids["n2"], "mean"]]

    def of(operations: Any, **more: Any) -> list[float]:
        more.setdefault("granularity", 60)
        return values(fetch(operations, **more)["measures"]["aggregated"])

    assert of(["aggregate", "mean", ["metric", *pair]]) == [5.5, 11, 16.5]
    assert of(["*", ["aggregate", "sum", ["metric", *pair]], 2]) == [22, 44, 66]
    text = f"(/ (aggregate max (metric ({ids['n1']} mean) ({ids['n2']} mean))) 10.0)"
    assert of(text) == [1, 2, 3]
    assert of(["rolling", "mean", 2, ["aggregate", "sum", ["metric", *pair]]]) == [16.5, 27.5]
    assert of(["rateofchange", ["aggregate", "sum", ["metric", *pair]]]) == [11, 11]
    assert of(["resample", "sum", 180, ["aggregate", "sum", ["metric", *pair]]]) == [66]
    ratio = fetch(
        ["/", ["metric", ids["n2"], "mean"], ["metric", ids["n1"], "mean"]], granularity=60
    )
    assert values(ratio["measures"][ids["n2"]]["mean"]) == [10, 10, 10]
    # Those that lack the metric are left out of the groups.
    search = {"=": {"display_name": "agg"}}
    grouped = fetch(
        ["aggregate", "sum", ["metric", "load", "mean"]],
        search=search,
        resource_type="instance",
        groupby=["host"],
        granularity=60,
    )
    assert {
        g["group"]["host"]: values(g["measures"]["measures"]["aggregated"]) for g in grouped
    } == {
        "x": [11, 22, 33],
        "y": [5, 5, 5],
    }
    with pytest.raises(exceptions.NotFound):
        fetch("(metric none mean)", search=search, resource_type="instance")
    one = fetch(
        ["metric", "load", "mean"],
        search={"=": {"id": "n3"}},
        resource_type="instance",
        granularity=60,
    )
    assert values(next(iter(one["measures"].values()))["load"]["mean"]) == [5, 5, 5]
    # Gaps: refused, filled, dropped.
    client.metric.add_measures(ids["n3"], [{"timestamp": T + 240, "value": 8}])
    both = ["aggregate", "sum", ["metric", [ids["n1"], "mean"], [ids["n3"], "mean"]]]
    with pytest.raises(exceptions.BadRequest):
        of(both, start=T, stop=T + 300)
    assert of(both, fill=0.0) == [6, 7, 8, 8]
    assert of(both, needed_overlap=50) == [6, 7, 8]
    assert client.metric.aggregation([ids["n1"], ids["n2"]], granularity=60)[0][2] == 5.5
    by_name = client.metric.aggregation(
        "load",
        query=search,
        resource_type="instance",
        granularity=60,
        reaggregation="max",
        needed_overlap=0,
    )
    assert values(by_name)[:3] == [10, 20, 30]
    for wrong in (
        "(",
        "(metric)",
        ["aggregate", "magic", ["metric", *pair]],
        ["x"] * 50,
        "(+ 1 2)",
    ):
        with pytest.raises(exceptions.BadRequest):
            fetch(wrong)


def test_a_flavor_that_changed_inside_the_span(cloud: ServedCloud) -> None:
    client = gnocchi(cloud)
    made = client.resource.create(
        "instance",
        {"id": "grown", "flavor_name": "small", "metrics": {"cpu": {"archive_policy_name": "low"}}},
    )
    time.sleep(0.05)
    client.resource.update("instance", "grown", {"flavor_name": "large"})
    span = int(time.time()) // 300 * 300
    client.metric.add_measures(made["metrics"]["cpu"], [{"timestamp": span, "value": 10}])
    asked: dict[str, Any] = {
        "search": {"=": {"id": "grown"}},
        "resource_type": "instance",
        "groupby": ["flavor_name"],
        "granularity": 300,
    }
    operations = ["aggregate", "sum", ["metric", "cpu", "mean"]]
    now = client.aggregates.fetch(operations, **asked)
    assert [each["group"]["flavor_name"] for each in now] == ["large"]
    whole = client.aggregates.fetch(operations, **asked, use_history=True)
    shares = {
        each["group"]["flavor_name"]: sum(values(each["measures"]["measures"]["aggregated"]))
        for each in whole
    }
    assert set(shares) == {"small", "large"} and sum(shares.values()) == pytest.approx(10)


def test_alarms(cloud: ServedCloud) -> None:
    client, metrics = aodh(cloud), gnocchi(cloud)
    metric = metrics.metric.create(name="hot", archive_policy_name="high")["id"]
    rule = {
        "metrics": [metric],
        "aggregation_method": "max",
        "granularity": 60,
        "threshold": 10,
        "comparison_operator": "gt",
    }
    kind = "gnocchi_aggregation_by_metrics_threshold"
    made = client.alarm.create(
        {"name": "one", "type": kind, f"{kind}_rule": rule, "severity": "critical"}
    )
    id = made["alarm_id"]
    composite = {"or": [{"type": kind, **rule}, {"type": kind, **rule, "threshold": 1000}]}
    client.alarm.create({"name": "two", "type": "composite", "composite_rule": composite})
    metrics.metric.add_measures(metric, [{"timestamp": time.time(), "value": 50}])
    end = time.monotonic() + 5
    while {each["state"] for each in client.alarm.list()} != {"alarm"}:
        assert time.monotonic() < end, client.alarm.list()
        time.sleep(0.05)
    assert [each["name"] for each in client.alarm.list(sorts=["name:desc"])] == ["two", "one"]
    assert [e["name"] for e in client.alarm.list(filters={"severity": "critical"})] == ["one"]
    found = client.alarm.query(
        '{"and": [{"=": {"state": "alarm"}}, {"!=": {"type": "composite"}}]}'
    )
    assert [each["name"] for each in found] == ["one"]
    shown = client.alarm.update(id, {"state": "ok", "description": "d"})
    assert (shown["state"], shown["description"]) == ("ok", "d")
    client.alarm.delete(id)
    types = [each["type"] for each in client.alarm_history.get(id)]
    assert types[0] == "deletion" and types[-1] == "creation"
    assert set(types) == {"deletion", "state transition", "rule change", "creation"}
    assert [e["type"] for e in client.alarm_history.search('{"=": {"type": "deletion"}}')] == [
        "deletion"
    ]
    admin = aodh(cloud, "admin")
    project = shown["project_id"]
    admin.quota.create(project, [{"resource": "alarms", "limit": 1}])
    assert client.quota.list()["quotas"] == [{"resource": "alarms", "limit": 1}]
    with pytest.raises(Exception, match="quota"):
        client.alarm.create({"name": "three", "type": kind, f"{kind}_rule": rule})
    admin.quota.create(project, [{"resource": "alarms", "limit": -1}])


def test_the_stock_command(cloud: ServedCloud) -> None:
    library = gnocchi(cloud)
    library.resource.create(
        "generic", {"id": "cli", "metrics": {"load": {"archive_policy_name": "high"}}}
    )
    library.metric.add_measures("load", series(4), resource_id="cli")
    client = StockClient(cloud, "demo")
    shown = client.json(
        "metric",
        "aggregates",
        "(* (metric load mean) 2)",
        "original_resource_id=cli",
        "--granularity",
        "60",
    )
    assert [row["value"] for row in shown] == [8.0]
    alarm = client.json(
        *(
            "alarm",
            "create",
            "--name",
            "cli",
            "--type",
            "gnocchi_aggregation_by_resources_threshold",
        ),
        *("--metric", "load", "--resource-type", "generic", "--aggregation-method", "mean"),
        *("--threshold", "5", "--query", '{"=": {"original_resource_id": "cli"}}'),
    )
    assert alarm["state"] == "insufficient data"


def test_rating(cloud: ServedCloud) -> None:
    client = cloudkitty(cloud, "admin")
    assert [each["module_id"] for each in client.rating.get_module()["modules"]] == ["hashmap"]
    assert client.rating.update_module(module_id="hashmap", priority=5)["priority"] == 5
    assert client.info.get_metric(metric_name="volume")["unit"] == "GiB"
    assert client.info.get_config()["currency"] == "EUR"
    hashmap = client.rating.hashmap
    service = hashmap.create_service(name="instance")["service_id"]
    field = hashmap.create_field(name="flavor_name", service_id=service)["field_id"]
    group = hashmap.create_group(name="servers")["group_id"]
    mapping = hashmap.create_mapping(
        cost=0.1, value="small", field_id=field, group_id=group, start="2026-01-01T00:00:00"
    )
    assert mapping["cost"] == "0.1"
    changed = hashmap.update_mapping(mapping_id=mapping["mapping_id"], cost=0.2)
    assert changed["cost"] == "0.2"
    threshold = hashmap.create_threshold(cost=0.9, level=100, type="rate", service_id=service)
    assert hashmap.get_threshold(service_id=service)["thresholds"][0]["level"] == "100"
    assert hashmap.get_mapping_group(mapping_id=mapping["mapping_id"])["name"] == "servers"
    assert len(hashmap.get_group_mappings(group_id=group)["mappings"]) == 1
    quoted = client.rating.get_quotation(
        res_data=[{"service": "instance", "desc": {"flavor_name": "small"}, "volume": 1}]
    )
    assert float(quoted) == 0.2
    hashmap.delete_threshold(threshold_id=threshold["threshold_id"])
    hashmap.delete_group(group_id=group, recursive=True)
    assert hashmap.get_mapping(field_id=field)["mappings"] == []
    hashmap.delete_field(field_id=field)
    hashmap.delete_service(service_id=service)
    assert hashmap.get_service()["services"] == []
    assert isinstance(client.report.get_tenants(), list)
    assert "summary" in client.report.get_summary(groupby=["res_type"])
    assert client.storage.get_dataframes()["total"] >= 0
    newer = cloudkitty(cloud, "admin", "2")
    assert newer.summary.get_summary(groupby=["type"])["columns"][:2] == ["begin", "end"]
    assert newer.dataframes.get_dataframes(limit=1)["total"] >= 0
    assert "results" in newer.scope.get_scope_state()
