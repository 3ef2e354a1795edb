"""The store: measures folded into points at write, in bulk, and read by aggregate."""

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.telemetry.model.metric import ArchivePolicyRow
from cumulo.telemetry.model.points import Point, fold, growth, joined, share_of
from cumulo.telemetry.queries import points as queries

ALWAYS = 2**62
MANY_SPANS = 8
"""Of a fold: old ones are looked for at once; otherwise at one of so many folds."""
AT_ONCE = 500


class Fold(NamedTuple):
    """New measures of one metric."""

    metric_id: str
    policy: ArchivePolicyRow
    measures: Sequence[tuple[float, float]]
    """(seconds, value)"""


class Store:
    def add(self, tx: Tx, folds: Iterable[Fold]) -> None:
        rows: list[tuple[Any, ...]] = []
        old: list[tuple[str, int, int]] = []
        for one in folds:
            for granularity, points in self._points(tx, one):
                rows += [(one.metric_id, granularity, *point) for point in points]
                length = self._length(one.policy, granularity)
                if length and (len(points) >= MANY_SPANS or random.random() * MANY_SPANS < 1):
                    old.append((one.metric_id, granularity, length))
        self._write(tx, rows)
        for metric_id, granularity, length in old:
            tx.run(
                queries.OLD,
                metric=metric_id,
                granularity=granularity,
                of=metric_id,
                of_granularity=granularity,
                kept=length,
                now=math.floor(seconds_of(tx.now)),
            )

    @staticmethod
    def _length(policy: ArchivePolicyRow, granularity: int) -> int:
        return next(
            each.points * granularity
            for each in policy.definition
            if each.granularity == granularity
        )

    def _points(self, tx: Tx, one: Fold) -> Iterator[tuple[int, list[Point]]]:
        # Hosts count in whole numbers (nanoseconds of CPU), whose squares no column of integers
        # holds.
        ordered = sorted(one.measures)
        times = [float(at) for at, _ in ordered]
        values = [float(value) for _, value in ordered]
        methods = one.policy.aggregation_methods
        grown = None
        if any(method.startswith("rate:") for method in methods):
            finest = min(each.granularity for each in one.policy.definition)
            grown = growth(values, self._before(tx, one.metric_id, finest, times[0]))
        keep = any(share_of(method) is not None for method in methods)
        for each in one.policy.definition:
            points = fold(times, values, each.granularity, grown, keep=keep)
            if keep:
                points = [self._kept(tx, one.metric_id, each.granularity, p) for p in points]
            yield each.granularity, points

    @staticmethod
    def _before(tx: Tx, metric_id: str, granularity: int, at: float) -> float | None:
        """The last value that is known before a time: from the span's own measures, or, where
        those came later, from the span before it."""
        found = tx.tuples(
            queries.BEFORE, metric=metric_id, granularity=granularity, at=math.floor(at)
        )
        return next((float(last) for last_at, last in found if last_at <= at), None)

    @staticmethod
    def _kept(tx: Tx, metric_id: str, granularity: int, point: Point) -> Point:
        found = tx.tuples(queries.KEPT, metric=metric_id, granularity=granularity, at=point.at)
        if not found:
            return point
        [(count, kept)] = found
        return point._replace(kept=joined(kept, count, point.kept, point.size))

    @staticmethod
    def _write(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
        first = 0
        for size in queries.BULK:
            names = queries.PARAMETERS[size]
            while len(rows) - first >= size:
                given: dict[str, Any] = {}
                for each, row in zip(names, rows[first : first + size], strict=True):
                    given.update(zip(each, row, strict=True))
                tx.run(queries.ADD[size], **given)
                first += size

    def read(
        self,
        tx: Tx,
        metric_id: str,
        granularity: int,
        method: str,
        *,
        since: float | None = None,
        until: float | None = None,
        most: int,
        kept: int | None = None,
    ) -> list[tuple[int, float]]:
        """(the span's begin, value), in order of time; the newest where there are more than
        `most`. A span counts from its begin: `since` is rounded down to one. `kept`: so many
        seconds before the newest are shown, whatever is there still."""
        reading = queries.READINGS[method]
        rows = tx.tuples(
            reading.one,
            metric=metric_id,
            granularity=granularity,
            since=-ALWAYS if since is None else math.floor(since / granularity) * granularity,
            until=ALWAYS if until is None else math.ceil(until),
            most=most,
        )
        if kept is not None and until is None and rows:
            oldest = min(rows[0][0], seconds_of(tx.now)) - kept
            rows = [row for row in rows if row[0] > oldest]
        rows.reverse()
        value = reading.value
        if value is None:
            return rows
        made = ((row[0], value(*row[1:])) for row in rows)
        return [(at, found) for at, found in made if found is not None]

    def read_several(
        self,
        tx: Tx,
        metric_ids: Sequence[str],
        granularity: int,
        method: str,
        *,
        since: float | None = None,
        until: float | None = None,
        most: int,
    ) -> Mapping[str, list[tuple[int, float]]]:
        """The same of many metrics; `most` points in all, and one more says that there are more."""
        reading = queries.READINGS[method]
        found: dict[str, list[tuple[int, float]]] = {id: [] for id in metric_ids}
        left = most + 1
        for first in range(0, len(metric_ids), AT_ONCE):
            rows = tx.tuples(
                reading.several,
                metrics=list(metric_ids[first : first + AT_ONCE]),
                granularity=granularity,
                since=-ALWAYS if since is None else math.floor(since / granularity) * granularity,
                until=ALWAYS if until is None else math.ceil(until),
                most=left,
            )
            left -= len(rows)
            for id, at, *columns in rows:
                value = columns[0] if reading.value is None else reading.value(*columns)
                if value is not None:
                    found[id].append((at, value))
            if left <= 0:
                break
        return found
