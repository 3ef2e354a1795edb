"""What templates can ask of telemetry: OS::Aodh::… types, by Aodh's own operations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cumulo.core.resource_types import (
    Place,
    Property,
    Request,
    ResourceType,
    flag,
    items,
    mapping,
    number,
    text,
)

BASE = "/alarming/v2/alarms"
Given = Mapping[str, Any]
Rule = Callable[[Given], Any]
_ACTIONS = {
    name: items(text(), f"URLs that are called when the state becomes {state}.", update=True)
    for name, state in (
        ("alarm_actions", "alarm"),
        ("ok_actions", "ok"),
        ("insufficient_data_actions", "insufficient data"),
    )
}
_COMMON: dict[str, Property] = {
    "description": text("Description for the alarm.", update=True),
    "enabled": flag("Whether it is looked at.", default=True, update=True),
    **_ACTIONS,
    "repeat_actions": flag(
        "Whether actions are called again while the state stays.", default=True, update=True
    ),
    "severity": text(
        "Severity of the alarm.",
        default="low",
        update=True,
        constraints=[{"allowed_values": ["low", "moderate", "critical"]}],
    ),
    "time_constraints": items(
        mapping(
            {
                "name": text("Its name.", required=True),
                "start": text("When it begins, as a cron line.", required=True),
                "description": text("What it is for."),
                "duration": number("Seconds.", required=True, constraints=[{"range": {"min": 0}}]),
                "timezone": text("Say, Europe/Amsterdam."),
            }
        ),
        "When it is looked at: always, if there is none.",
        default=[],
        update=True,
    ),
}
_THRESHOLD: dict[str, Property] = {
    "comparison_operator": text(
        "How the metric is compared with the threshold.",
        update=True,
        constraints=[{"allowed_values": ["le", "ge", "eq", "lt", "gt", "ne"]}],
    ),
    "evaluation_periods": number("How many periods are looked at.", update=True),
    "granularity": number("The length of a period, in seconds.", update=True),
    "aggregation_method": text("What of each period is compared.", update=True),
    "threshold": Property("number", "What it is compared with.", required=True, update=True),
}


def _needed(description: str) -> Property:
    return text(description, required=True, update=True)


def _rule_of(properties: Mapping[str, Property]) -> Rule:
    names = [name for name in properties if name not in _COMMON]
    return lambda given: {n: given[n] for n in names if given.get(n) is not None}


def _alarm(
    name: str,
    kind: str,
    description: str,
    own: Mapping[str, Property],
    rule: Rule | None = None,
) -> ResourceType:
    properties = {**_COMMON, **own}
    rule = rule or _rule_of(own)

    def body(given: Given, place: Place) -> dict[str, Any]:
        made: dict[str, Any] = {"name": place.name, "type": kind, f"{kind}_rule": rule(given)}
        for each in _COMMON:
            if given.get(each) is not None:
                made[each] = given[each]
        for each in _ACTIONS:
            made[each] = [url for url in given.get(each) or () if url]
        return made

    def update(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
        return [Request("PUT", f"{BASE}/{physical}", body(now, place))]

    return ResourceType(
        name,
        properties,
        lambda given, place: Request("POST", BASE, body(given, place)),
        lambda answer: str(answer["alarm_id"]),
        lambda physical, given, place: Request("GET", f"{BASE}/{physical}"),
        update,
        lambda physical, given, place: Request("DELETE", f"{BASE}/{physical}"),
        attributes={"show": "Detailed information about the alarm."},
        attribute=lambda name, seen, reader: seen,
        description=description,
    )


def _composite(given: Given) -> Any:
    rule = given["composite_rule"]
    return {rule["operator"]: rule["rules"]}


TYPES = (
    _alarm(
        "OS::Aodh::GnocchiResourcesAlarm",
        "gnocchi_resources_threshold",
        "An alarm on a metric of one resource.",
        {
            "metric": _needed("The metric's name."),
            "resource_id": _needed("Id of the resource."),
            "resource_type": _needed("Type of the resource."),
            **_THRESHOLD,
        },
    ),
    _alarm(
        "OS::Aodh::GnocchiAggregationByMetricsAlarm",
        "gnocchi_aggregation_by_metrics_threshold",
        "An alarm on metrics by their ids.",
        {"metrics": items(text(), "Ids of metrics.", required=True, update=True), **_THRESHOLD},
    ),
    _alarm(
        "OS::Aodh::GnocchiAggregationByResourcesAlarm",
        "gnocchi_aggregation_by_resources_threshold",
        "An alarm on a metric of all resources that a search finds.",
        {
            "metric": _needed("The metric's name."),
            "query": _needed("The search for the resources."),
            "resource_type": _needed("Type of the resources."),
            **_THRESHOLD,
        },
    ),
    _alarm(
        "OS::Aodh::CompositeAlarm",
        "composite",
        "An alarm that joins several rules.",
        {
            "composite_rule": mapping(
                {
                    "operator": text(
                        "How they are joined.",
                        required=True,
                        constraints=[{"allowed_values": ["or", "and"]}],
                    ),
                    "rules": items(
                        None, "The rules.", required=True, constraints=[{"length": {"min": 2}}]
                    ),
                },
                "The rules and how they are joined.",
                required=True,
                update=True,
            )
        },
        _composite,
    ),
    _alarm(
        "OS::Aodh::EventAlarm",
        "event",
        "An alarm that waits for an event.",
        {
            "event_type": text("Type of the event; * is any text.", default="*", update=True),
            "query": items(
                mapping(
                    {
                        "field": text("Name of a field or trait."),
                        "op": text("How it is compared.", default="eq"),
                        "value": text("What it is compared with."),
                        "type": text("The value's type.", default="string"),
                    }
                ),
                "What the event's traits have to be.",
                update=True,
            ),
        },
    ),
)
