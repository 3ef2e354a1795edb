"""Aggregates across metrics: their series on one line of time, and what operations make of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.telemetry.model.metric import MetricRow, ResourceRow, RevisionRow
from cumulo.telemetry.model.operations import (
    Frame,
    Node,
    Reference,
    Value,
    evaluate,
    references,
)
from cumulo.telemetry.service.metrics import Metrics

MOST_POINTS = 100_000
"""Of all metrics together."""
TOO_MANY = (
    f"Invalid input: more than {MOST_POINTS} points; ask for a shorter time or a coarser "
    "granularity"
)
MOST_SERIES = 1000
FOREVER = 1e15


class Asked(NamedTuple):
    """What is read, and what becomes of times at which some series have no value."""

    start: float | None = None
    stop: float | None = None
    granularity: float | None = None
    overlap: float = 100.0
    """At so many percent of the times all series must have a value, if nothing fills the gaps."""
    fill: float | str | None = None
    """A value, `null`, or `dropna`."""


class Member(NamedTuple):
    """A metric in a group: of which resource, and from when to when it counts there."""

    whose: tuple[str, ...]
    """What it is called in the answer: the resource's id, or nothing, and the metric's."""
    metric: MetricRow
    since: float = -FOREVER
    until: float = FOREVER


class Budget:
    """Points that an answer may still read."""

    def __init__(self) -> None:
        self.left = MOST_POINTS

    def take(self, count: int) -> None:
        """Raises BadRequest."""
        self.left -= count
        if self.left < 0:
            raise BadRequest(TOO_MANY)


class Aggregates:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def compute(
        self,
        tx: Tx,
        node: Node,
        members: Mapping[Reference, Sequence[Member]],
        asked: Asked,
        budget: "Budget | None" = None,
    ) -> dict[str, Any]:
        """`measures` of the answer; the groups of one answer share a budget. Raises BadRequest,
        NotFound."""
        budget = budget or Budget()
        wanted = references(node)
        count = sum(len(members[each]) for each in wanted)
        if count > MOST_SERIES:
            raise BadRequest(f"Invalid input: more than {MOST_SERIES} metrics")
        frames = []
        for granularity in self._granularities(tx, wanted, members, asked.granularity):
            series = self._series(tx, wanted, members, granularity, asked, budget.left)
            budget.left -= sum(map(len, series.values()))
            times = self._times(series, asked)
            rows = {
                key: [_filled(points, at, asked.fill) for at in times]
                for key, points in series.items()
            }

            def source(
                reference: Reference, rows: Mapping[Any, list[Value]] = rows
            ) -> list[tuple[Any, list[Value]]]:
                return [
                    ((*each.whose, reference[1]), rows[(reference, index)])
                    for index, each in enumerate(members[reference])
                ]

            frames.append(evaluate(node, float(granularity), times, source))
        return _answer(frames, asked.fill)

    def _granularities(
        self,
        tx: Tx,
        wanted: Sequence[Reference],
        members: Mapping[Reference, Sequence[Member]],
        asked: float | None,
    ) -> list[int]:
        """Those that all have, the coarsest first."""
        policies = {each.name: each for each in self._metrics.policies.all(tx)}
        common: set[int] | None = None
        for name, method in wanted:
            for each in members[(name, method)]:
                policy = policies[each.metric.archive_policy]
                if method not in policy.aggregation_methods:
                    raise NotFound(
                        f"Aggregation method '{method}' for metric {each.metric.id} does not exist"
                    )
                known = {one.granularity for one in policy.definition}
                common = known if common is None else common & known
        if not common:
            raise BadRequest("Metrics can't being aggregated: No granularity match")
        if asked is None:
            return sorted(common, reverse=True)
        if asked not in common:
            raise NotFound(f"Granularity '{asked}' for these metrics does not exist")
        return [int(asked)]

    def _series(
        self,
        tx: Tx,
        wanted: Sequence[Reference],
        members: Mapping[Reference, Sequence[Member]],
        granularity: int,
        asked: Asked,
        left: int,
    ) -> dict[tuple[Reference, int], dict[int, float]]:
        """(reference, its place among the members) → time → value."""
        made: dict[tuple[Reference, int], dict[int, float]] = {}
        for reference in wanted:
            found = self._metrics.store.read_several(
                tx,
                list(dict.fromkeys(each.metric.id for each in members[reference])),
                granularity,
                reference[1],
                since=asked.start,
                until=asked.stop,
                most=left,
            )
            left -= sum(map(len, found.values()))
            if left < 0:
                raise BadRequest(TOO_MANY)
            for index, each in enumerate(members[reference]):
                points = found[each.metric.id]
                made[(reference, index)] = dict(_within(points, granularity, each))
        return made

    @staticmethod
    def _times(series: Mapping[Any, Mapping[int, float]], asked: Asked) -> list[int]:
        """The line of time that all series are on. Raises BadRequest where too few have values."""
        if not series:
            return []
        times = sorted(set().union(*series.values()))
        if asked.fill is not None or not times:
            return times
        shared = [at for at in times if all(at in points for points in series.values())]
        if not shared:
            if asked.overlap > 0:
                raise BadRequest("Metrics can't being aggregated: No overlap")
            return times
        if asked.stop is None:
            times = [at for at in times if at <= shared[-1]]
        if asked.start is None:
            times = [at for at in times if at >= shared[0]]
        share = len(shared) * 100.0 / len(times)
        if share < asked.overlap:
            raise BadRequest(
                f"Metrics can't being aggregated: Less than {asked.overlap:f}% of datapoints "
                f"overlap in this timespan ({share:.2f}%)"
            )
        return times


def _within(
    points: Sequence[tuple[int, float]], granularity: int, member: Member
) -> Sequence[tuple[int, float]]:
    """A span that belongs to a group only in part counts in part."""
    if member.since == -FOREVER and member.until == FOREVER:
        return points
    made = []
    for at, value in points:
        inside = min(at + granularity, member.until) - max(at, member.since)
        if inside > 0:
            made.append((at, value * min(1.0, inside / granularity)))
    return made


def _filled(points: Mapping[int, float], at: int, fill: float | str | None) -> Value:
    value = points.get(at)
    return fill if value is None and isinstance(fill, float) else value


def _answer(frames: Sequence[Frame], fill: float | str | None) -> dict[str, Any]:
    """Nested by resource, metric and method, or `aggregated` where it is one series."""
    made: dict[str, Any] = {}
    for frame in frames:
        for whose, values in frame.columns:
            path = ("aggregated",) if frame.aggregated else tuple(whose)
            place = made
            for name in path[:-1]:
                place = place.setdefault(name, {})
            place.setdefault(path[-1], []).extend(
                (at, frame.granularity, value)
                for at, value in zip(frame.times, values, strict=True)
                if value is not None or fill == "null"
            )
    return made


def groups_of(
    resources: Sequence[ResourceRow],
    revisions: Mapping[str, Sequence[RevisionRow]] | None,
    names: Sequence[str],
    value: Any,
) -> dict[tuple[Any, ...], list[tuple[ResourceRow, float, float]]]:
    """Values of the attributes → resources that have them, and from when to when; `revisions`:
    what they were counts, too. `value(row, resource, name)` is an attribute of either."""
    made: dict[tuple[Any, ...], list[tuple[ResourceRow, float, float]]] = {}
    for row in resources:
        since = -FOREVER
        for was in (revisions or {}).get(row.id, ()):
            key = tuple(value(was, row, name) for name in names)
            until = seconds_of(was.revision_end)
            made.setdefault(key, []).append((row, since, until))
            since = until
        key = tuple(value(row, row, name) for name in names)
        made.setdefault(key, []).append((row, since, FOREVER))
    return made
