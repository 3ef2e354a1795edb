"""Alarms: a rule over a metric, the state that follows, and what is called when it changes."""

from typing import Annotated, Any, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

State = Literal["ok", "alarm", "insufficient data"]
STATES: tuple[State, ...] = ("ok", "alarm", "insufficient data")


@table("telemetry_alarms", IndexOn("project_id", "created_at"), IndexOn("enabled", "due"))
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


@table("telemetry_alarm_changes", IndexOn("alarm_id", "at"))
class AlarmChangeRow(Row, frozen=True):
    id: Annotated[str, Key()]
    alarm_id: Annotated[str, References("telemetry_alarms.id", on_delete="CASCADE")]
    type: str
    detail: dict[str, Any]
    user_id: str | None
    project_id: str
    at: Moment


@table("telemetry_calls", IndexOn("due"))
class CallRow(Row, frozen=True):
    """An action that is to be called: it exists until it was, or was tried often enough."""

    id: Annotated[str, Key()]
    alarm_id: Annotated[str, Index()]
    project_id: str
    url: str
    body: dict[str, Any]
    tries: int
    due: Moment


_COMPARE = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
}
OPERATORS = tuple(_COMPARE)


def decide(
    values: list[float], *, operator: str, threshold: float, periods: int, before: State
) -> tuple[State, str]:
    """The state that the last `periods` values mean, and why. Where they disagree it stays."""
    if len(values) < periods:
        return (
            "insufficient data",
            f"{periods} datapoints are unknown"
            if not values
            else f"{periods - len(values)} datapoints are unknown",
        )
    recent = values[-periods:]
    found = [bool(_COMPARE[operator](value, threshold)) for value in recent]
    said = f"{periods} samples"
    if all(found):
        return (
            "alarm",
            f"Transition to alarm due to {said} outside threshold, most recent: {recent[-1]}",
        )
    if not any(found):
        return "ok", f"Transition to ok due to {said} inside threshold, most recent: {recent[-1]}"
    if before == "insufficient data":
        word: State = "alarm" if found[-1] else "ok"
        return word, f"Transition to {word} due to most recent sample: {recent[-1]}"
    return before, "samples disagree"
