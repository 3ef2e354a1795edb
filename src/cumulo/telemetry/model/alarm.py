"""Alarms: a rule over a metric, the state that follows, and what is called when it changes."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table
from cumulo.telemetry.model.search import COMPARISONS

State = Literal["ok", "alarm", "insufficient data"]
NEVER = "9999-01-01T00:00:00.000000"
"""When an alarm is due that only waits."""
STATES: tuple[State, ...] = ("ok", "alarm", "insufficient data")


@table(
    "telemetry_alarms",
    IndexOn("project_id", "created_at"),
    IndexOn("enabled", "due"),
    IndexOn("type", "project_id"),
)
class AlarmRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    description: str
    type: str
    rule: dict[str, Any]
    enabled: bool
    state: State
    state_reason: str
    state_timestamp: Moment
    severity: str
    actions: dict[str, list[str]]
    """ok, alarm, insufficient data → URLs."""
    repeat_actions: bool
    time_constraints: list[dict[str, Any]]
    project_id: str
    user_id: str
    lent: dict[str, str]
    """What the right to look was lent by (`Principal.lent`)."""
    own: bool
    """It looks with what its user may in the project now; False: an administrator made it for
    another project, and it looks at what is that project's."""
    searches: bool
    """Which metrics it looks at follows from a search: other resources may be others."""
    found_at: Moment
    """When they were searched for; before all times: they are to be searched for again."""
    repeated_at: Moment
    """When its actions were called last, for `repeat_actions`."""
    due: Moment
    created_at: Moment
    updated_at: Moment


@table("telemetry_alarm_metrics", IndexOn("metric_id"))
class AlarmMetricRow(Row, frozen=True):
    """An alarm looks at a metric: new measures of that one are what it waits for."""

    alarm_id: Annotated[str, Key(), References("telemetry_alarms.id", on_delete="CASCADE")]
    metric_id: Annotated[str, Key()]


@table(
    "telemetry_alarm_changes",
    IndexOn("alarm_id", "at"),
    IndexOn("project_id", "at"),
)
class AlarmChangeRow(Row, frozen=True):
    """History, which an alarm's end is the last line of."""

    id: Annotated[str, Key()]
    alarm_id: str
    severity: str
    type: str
    detail: dict[str, Any]
    user_id: str | None
    project_id: str
    """Of the alarm."""
    by_project_id: str | None
    """Of whoever changed it."""
    at: Moment


@table("telemetry_quotas")
class QuotaRow(Row, frozen=True):
    """How many alarms a project may have, where an administrator has said so."""

    project_id: Annotated[str, Key()]
    resource: Annotated[str, Key()]
    most: int


@table("telemetry_calls", IndexOn("due", "project_id"))
class CallRow(Row, frozen=True):
    """An action that is to be called: it exists until it was, or was tried often enough."""

    id: Annotated[str, Key()]
    alarm_id: Annotated[str, Index()]
    project_id: str
    url: str
    body: dict[str, Any]
    tries: int
    due: Moment


OPERATORS = ("lt", "le", "eq", "ne", "ge", "gt")


class Verdict(msgspec.Struct, frozen=True):
    """What a look says."""

    state: State
    reason: str
    data: dict[str, Any]
    """The same for programs: what is sent to those who are called."""


def decide(
    values: Sequence[float], *, operator: str, threshold: float, periods: int, before: State
) -> Verdict:
    """The state that the last `periods` values mean, and why. Where they disagree it stays."""
    if len(values) < periods:
        unknown = periods - len(values)
        return Verdict(
            "insufficient data",
            f"{unknown} datapoints are unknown",
            {"type": "threshold", "disposition": "unknown", "count": unknown, "most_recent": None},
        )
    recent = values[-periods:]
    compare = COMPARISONS[operator]
    found = [compare(value, threshold) for value in recent]
    outside = found[-1]
    state: State = "alarm" if outside else "ok"
    if any(found) != all(found) and before != "insufficient data":
        state = before
    elif any(found) != all(found):
        state = "alarm" if outside else "ok"
    side = "outside" if state == "alarm" else "inside"
    verb = "Remaining as" if state == before else "Transition to"
    reason = f"{verb} {state} due to {periods} samples {side} threshold, most recent: {recent[-1]}"
    return Verdict(
        state,
        reason,
        {
            "type": "threshold",
            "disposition": side,
            "count": sum(found) if state == "alarm" else len(found) - sum(found),
            "most_recent": recent[-1],
        },
    )


def joined(word: str, parts: Sequence[State]) -> State:
    """Of several rules: `and` of all, `or` of any, with what is not known left open."""
    decisive, other = ("ok", "alarm") if word == "and" else ("alarm", "ok")
    if decisive in parts:
        return decisive  # type: ignore[return-value]
    return "insufficient data" if "insufficient data" in parts else other  # type: ignore[return-value]
