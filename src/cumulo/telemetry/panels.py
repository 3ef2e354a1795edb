"""Telemetry in the dashboard: alarms, metrics with their curves, the month's bill."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Figure,
    Form,
    Item,
    Panel,
    Part,
    Plot,
    at,
    column,
    delete,
    lines_of,
    part_of_path,
    ref,
    said,
)
from cumulo.core.resource_types import Request

METRICS_BASE = "/metric/v1"
ALARMS_BASE = "/alarming/v2/alarms"
RULE = "gnocchi_resources_threshold_rule"
USAGE = Request("GET", "/rating/v1/usage")


def _alarm(item: Item) -> str:
    return f"{ALARMS_BASE}/{part_of_path(item['alarm_id'])}"


def _create(item: Item, form: Form) -> Request:
    rule = {
        "metric": form["metric"],
        "resource_id": form["resource"],
        "resource_type": form["type"],
        "aggregation_method": form["aggregation"],
        "comparison_operator": form["comparison"],
        "threshold": float(form["threshold"]),
        "granularity": int(form["granularity"]),
        "evaluation_periods": int(form["periods"]),
    }
    alarm = {
        "name": form["name"],
        "type": "gnocchi_resources_threshold",
        RULE: rule,
        "alarm_actions": lines_of(form.get("actions", "")),
        "ok_actions": lines_of(form.get("ok_actions", "")),
    }
    return Request("POST", ALARMS_BASE, alarm)


def _rule(item: Item) -> Any:
    rule = item.get(RULE) or {}
    if not rule:
        return str(item.get("type"))
    return said(
        "{metric} ({aggregation}) {comparison} {threshold}",
        metric=rule.get("metric"),
        aggregation=rule.get("aggregation_method"),
        comparison=rule.get("comparison_operator"),
        threshold=rule.get("threshold"),
    )


def _enable(value: bool) -> Any:
    def request(item: Item, form: Form) -> Request:
        kept = {k: v for k, v in item.items() if k != "of"}
        return Request("PUT", _alarm(item), {**kept, "enabled": value})

    return request


ALARMS = Panel(
    name="alarms",
    title="Alarms",
    group="Monitoring",
    order=80,
    about="They look at a metric, and call a URL when it crosses a limit.",
    items=Request("GET", ALARMS_BASE),
    key="",
    columns=(
        column("Name", "name", link=True, sort="name"),
        column("State", "state", "status"),
        Column("Rule", _rule),
        column("Enabled", "enabled", "yes"),
        column("Changed", "state_timestamp", "time"),
    ),
    id="alarm_id",
    detail=lambda id: Request("GET", f"{ALARMS_BASE}/{id}"),
    lines=(
        column("Id", "alarm_id", "mono"),
        column("State", "state", "status"),
        column("Why", "state_reason"),
        Column("Rule", _rule),
        ref("Resource", f"{RULE}.resource_id", "servers"),
        column("Enabled", "enabled", "yes"),
        Column("URLs called when it is raised", lambda item: item.get("alarm_actions"), "list"),
        Column("URLs called when it is over", lambda item: item.get("ok_actions"), "list"),
        column("Changed", "state_timestamp", "time"),
    ),
    create=(
        Action(
            "create",
            "Create alarm",
            _create,
            fields=(
                Field("name", "Name"),
                Field("resource", "Resource", help="Its id, of a server for example."),
                Field(
                    "type",
                    "Kind of resource",
                    "select",
                    default="instance",
                    choices=(
                        ("instance", "Server"),
                        ("instance_disk", "Disk of a server"),
                        ("volume", "Volume"),
                        ("generic", "Another"),
                    ),
                ),
                Field("metric", "Metric", default="cpu"),
                Field(
                    "aggregation",
                    "Value",
                    "select",
                    default="rate:mean",
                    choices=(
                        ("rate:mean", "How fast it grows"),
                        ("mean", "Mean"),
                        ("max", "Highest"),
                        ("min", "Lowest"),
                    ),
                ),
                Field(
                    "comparison",
                    "Raised when it is",
                    "select",
                    default="gt",
                    choices=(
                        ("gt", "above"),
                        ("ge", "at or above"),
                        ("lt", "below"),
                        ("le", "at or below"),
                    ),
                ),
                Field("threshold", "Limit"),
                Field("granularity", "Seconds of one value", "number", default="300"),
                Field("periods", "Values in a row", "number", default="1"),
                Field(
                    "actions",
                    "URLs called when it is raised",
                    "textarea",
                    required=False,
                    help="One a line.",
                    longest=8000,
                ),
                Field(
                    "ok_actions",
                    "URLs called when it is over",
                    "textarea",
                    required=False,
                    help="One a line.",
                    longest=8000,
                    advanced=True,
                ),
            ),
        ),
    ),
    actions=(
        Action(
            "enable",
            "Enable",
            _enable(True),
            allowed=lambda item: not item.get("enabled"),
            main=True,
        ),
        Action(
            "disable", "Disable", _enable(False), allowed=lambda item: bool(item.get("enabled"))
        ),
        delete(_alarm),
    ),
    parts=(
        Part(
            "history",
            "History",
            lambda item, place: Request("GET", f"{_alarm(item)}/history"),
            "",
            (
                column("When", "timestamp", "time"),
                column("Kind", "type"),
                Column("Detail", lambda each: str(each.get("detail") or "")[:300]),
            ),
            id="event_id",
        ),
    ),
    events="alarm",
)


def _measures(aggregation: str) -> Any:
    return lambda item: Request(
        "GET",
        f"{METRICS_BASE}/metric/{part_of_path(item['id'])}/measures?aggregation={aggregation}",
    )


def _points(body: Any) -> Sequence[tuple[str, float]]:
    return [(str(moment), float(value)) for moment, _, value in body]


METRICS = Panel(
    name="metrics",
    title="Metrics",
    group="Monitoring",
    order=81,
    about="What is measured of servers, disks and what you measure yourself.",
    items=Request("GET", f"{METRICS_BASE}/metric"),
    key="",
    columns=(
        column("Name", "name", link=True),
        ref("Resource", "resource_id", "servers"),
        column("Unit", "unit"),
        column("Policy", "archive_policy.name"),
    ),
    search=("id={id}", "resource_id={id}", "name={q}"),
    detail=lambda id: Request("GET", f"{METRICS_BASE}/metric/{id}"),
    lines=(
        column("Id", "id", "mono"),
        ref("Resource", "resource_id", "servers"),
        column("Unit", "unit"),
        column("Policy", "archive_policy.name"),
        Column("Values", lambda item: at(item, "archive_policy.aggregation_methods"), "list"),
    ),
    plots=(
        Plot("mean", "Mean", _measures("mean"), _points),
        Plot("max", "Highest", _measures("max"), _points),
        Plot("rate", "How fast it grows", _measures("rate:mean"), _points),
    ),
    found=False,
)


def _lines(body: Any) -> Sequence[Item]:
    return [{**line, "currency": body["currency"]} for line in body["usage"]]


def _price(line: Item) -> str:
    return f"{line['price']:.2f} {line['currency']}"


BILL = Panel(
    name="bill",
    title="This month's bill",
    group="Monitoring",
    order=82,
    about="What the project has used since the month began, and what that costs until now.",
    items=USAGE,
    key="usage",
    rows=_lines,
    columns=(
        column("What", "resource_type"),
        Column(
            "Facts", lambda line: [f"{k}={v}" for k, v in sorted(line["facts"].items())], "list"
        ),
        column("How many", "resources"),
        Column("Hours", lambda line: f"{line['hours']:.2f}"),
        Column("Price", _price),
    ),
    id="resource_type",
    marker=False,
    found=False,
)
PANELS = (ALARMS, METRICS, BILL)
FIGURES = (
    Figure(
        "Cost so far",
        lambda now: USAGE,
        lambda body: f"{sum(line['price'] for line in body['usage']):.2f} {body['currency']}",
        "bill",
    ),
    Figure(
        "Hours of servers",
        lambda now: USAGE,
        lambda body: (
            f"{sum(x['hours'] for x in body['usage'] if x['resource_type'] == 'instance'):.1f}"
        ),
        "bill",
    ),
)
