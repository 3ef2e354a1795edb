"""Metrics, the resources that they are of, and their points."""

from typing import Annotated, Any

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table


class Definition(msgspec.Struct, frozen=True):
    """One granularity of an archive policy: a point every so many seconds, so many points."""

    granularity: int
    points: int


@table("telemetry_archive_policies")
class ArchivePolicyRow(Row, frozen=True):
    name: Annotated[str, Key()]
    definition: list[Definition]
    aggregation_methods: list[str]
    back_window: int


@table(
    "telemetry_resources",
    IndexOn("project_id", "started_at"),
    IndexOn("type", "started_at"),
)
class ResourceRow(Row, frozen=True):
    """What metrics are of: a server, a disk of it, or whatever a client has named."""

    id: Annotated[str, Key()]
    original_id: str
    """As it was given: ids that are no UUIDs become one."""
    type: str
    project_id: str | None
    user_id: str | None
    creator: str
    attributes: dict[str, Any]
    started_at: Moment
    ended_at: Moment | None
    revision_start: Moment


@table(
    "telemetry_metrics",
    Unique("resource_id", "name"),
    IndexOn("project_id", "created_at"),
)
class MetricRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str | None
    unit: str | None
    archive_policy: Annotated[str, References("telemetry_archive_policies.name")]
    resource_id: Annotated[str | None, References("telemetry_resources.id", on_delete="CASCADE")]
    creator: str
    project_id: str | None
    """Of the creator: whose it is where it is of no resource."""
    created_at: Annotated[Moment, Index()]


@table("telemetry_points")
class PointRow(Row, frozen=True):
    """All measures of one metric in one span of time."""

    metric_id: Annotated[str, Key(), References("telemetry_metrics.id", on_delete="CASCADE")]
    granularity: Annotated[int, Key()]
    """Seconds."""
    at: Annotated[int, Key()]
    """The span's begin, in seconds since the epoch."""
    count: int
    total: float
    squares: float
    least: float
    most: float
    first: float
    first_at: float
    last: float
    last_at: float


def merged(
    before: PointRow | None, metric_id: str, granularity: int, at: int, measures: Any
) -> PointRow:
    """A span with some measures more; `measures`: (seconds, value), at least one."""
    # Hosts count in whole numbers (nanoseconds of CPU), whose squares no column of integers holds.
    ordered = sorted((seconds, float(value)) for seconds, value in measures)
    values = [value for _, value in ordered]
    now = PointRow(
        metric_id,
        granularity,
        at,
        len(values),
        sum(values),
        sum(value * value for value in values),
        min(values),
        max(values),
        ordered[0][1],
        ordered[0][0],
        ordered[-1][1],
        ordered[-1][0],
    )
    if before is None:
        return now
    early = before if before.first_at <= now.first_at else now
    late = now if now.last_at >= before.last_at else before
    return PointRow(
        metric_id,
        granularity,
        at,
        before.count + now.count,
        before.total + now.total,
        before.squares + now.squares,
        min(before.least, now.least),
        max(before.most, now.most),
        early.first,
        early.first_at,
        late.last,
        late.last_at,
    )


METHODS = ("mean", "sum", "last", "max", "min", "std", "count", "first")
RATES = tuple(f"rate:{method}" for method in ("mean", "sum", "count"))
"""What the points of a span know of how much a counter grew: its greatest or least step is not
kept."""
DEFAULT_METHODS = ["mean", "min", "max", "sum", "std", "count"]


def value_of(point: PointRow, method: str, before: PointRow | None) -> float | None:
    """What a method makes of a span; `before`: the span before it, for rates."""
    if method.startswith("rate:"):
        return _rate(point, method.removeprefix("rate:"), before)
    if method == "mean":
        return point.total / point.count
    if method == "std":
        if point.count < 2:
            return None
        spread = point.squares - point.total * point.total / point.count
        return float((max(0.0, spread) / (point.count - 1)) ** 0.5)
    return {
        "sum": point.total,
        "last": point.last,
        "max": point.most,
        "min": point.least,
        "count": float(point.count),
        "first": point.first,
    }[method]


def _rate(point: PointRow, method: str, before: PointRow | None) -> float | None:
    """Of a counter: how much it grew from measure to measure. One that began anew (its guest was
    started again) grew by what it shows."""
    if before is None:
        if point.count < 2:
            return None
        grown, steps = point.last - point.first, point.count - 1
    else:
        grown, steps = point.last - before.last, point.count
    if grown < 0:
        grown = point.last
    if method == "count":
        return float(steps)
    return grown if method == "sum" else grown / steps
