"""What Aodh's API answers, operation by operation: the OpenAPI document is made of it, and every
answer of the wire stories is held against it."""

from __future__ import annotations

from typing import Any

from cumulo.core.wire.shapes import Body, OpenBody


class Alarm(OpenBody, kw_only=True):
    """With the rule of its type: `TYPE_rule`."""

    alarm_id: str
    name: str
    description: str
    type: str
    enabled: bool
    state: str
    state_reason: str
    state_timestamp: str
    severity: str
    ok_actions: list[str]
    alarm_actions: list[str]
    insufficient_data_actions: list[str]
    repeat_actions: bool
    time_constraints: list[dict[str, Any]]
    project_id: str
    user_id: str
    timestamp: str
    evaluate_timestamp: str


class Change(Body, kw_only=True):
    event_id: str
    alarm_id: str
    type: str
    detail: str
    """JSON."""
    user_id: str | None
    project_id: str | None
    on_behalf_of: str
    timestamp: str
    severity: str


class Limit(Body, kw_only=True):
    resource: str
    limit: int


class Limits(Body, kw_only=True):
    project_id: str
    quotas: list[Limit]


class Versions(Body, kw_only=True):
    values: list[dict[str, Any]]


class VersionsAnswer(Body, kw_only=True):
    versions: Versions


ANSWERS: dict[str, Any] = {
    "GET /v2/alarms": list[Alarm],
    "POST /v2/alarms": Alarm,
    "GET /v2/alarms/{alarm_id}": Alarm,
    "PUT /v2/alarms/{alarm_id}": Alarm,
    "GET /v2/alarms/{alarm_id}/state": str,
    "PUT /v2/alarms/{alarm_id}/state": str,
    "GET /v2/alarms/{alarm_id}/history": list[Change],
    "GET /v2/capabilities": dict[str, dict[str, bool]],
    "POST /v2/query/alarms": list[Alarm],
    "POST /v2/query/alarms/history": list[Change],
    "GET /v2/quotas": Limits,
    "GET /v2/quotas/{project_id}": Limits,
    "POST /v2/quotas": Limits,
    "GET /": VersionsAnswer,
    "GET /v2": VersionsAnswer,
}
