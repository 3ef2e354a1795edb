"""Points: what is kept of the measures of one metric in one span of time.

Sums, extremes, first and last of the values themselves and of their growth from measure to measure,
so that any aggregate of a span, `rate:` ones too, follows from its row alone, and two rows of one
span become one by adding (in the database, `queries.points`). Percentiles need the values: a policy
that has some keeps up to MOST_KEPT of a span, beyond that an even sample of them.
"""

import random
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from operator import mul
from typing import Annotated, NamedTuple

from cumulo.core.db.rows import Key, Row, table

MOST_KEPT = 500


@table("telemetry_points")
class PointRow(Row, frozen=True):
    """All measures of one metric in one span of time."""

    metric_id: Annotated[str, Key()]
    """Of a metric that there is, or of one of GoneRow."""
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
    steps: int
    """From how many measures to the next one it grew; the rest of these are of those steps."""
    grown: float
    grown_squares: float
    grown_least: float
    grown_most: float
    grown_first: float
    grown_last: float
    kept: bytes | None
    """Values, as native doubles, for percentiles."""


@table("telemetry_gone_metrics")
class GoneRow(Row, frozen=True):
    """A metric that was removed: its points, which may be very many, go piece by piece."""

    metric_id: Annotated[str, Key()]


class Point(NamedTuple):
    """A span's measures, without whose they are: the row's columns from `at` on."""

    at: int
    size: int
    """The column `count`."""
    total: float
    squares: float
    least: float
    most: float
    first: float
    first_at: float
    last: float
    last_at: float
    steps: int = 0
    grown: float = 0.0
    grown_squares: float = 0.0
    grown_least: float = 0.0
    grown_most: float = 0.0
    grown_first: float = 0.0
    grown_last: float = 0.0
    kept: bytes | None = None


def growth(values: Sequence[float], before: float | None) -> list[float]:
    """From measure to measure, the first from `before` (None: nothing is known of that). A counter
    that began anew (its guest was started again) grew by what it shows."""
    first = [] if before is None else [before]
    earlier = [*first, *values[: len(values) - 1]]
    later = values[1 - len(first) :]
    return [b - a if b >= a else b for a, b in zip(earlier, later, strict=True)]


def fold(
    times: Sequence[float],
    values: Sequence[float],
    granularity: int,
    grown: Sequence[float] | None = None,
    *,
    keep: bool = False,
) -> list[Point]:
    """Measures in order of time, as points. `grown`: of the same measures, from the first or from
    the second on; None where the policy has no rates."""
    made = []
    begin, end = 0, len(times)
    shift = 0 if grown is None else len(times) - len(grown)
    while begin < end:
        at = int(times[begin] // granularity) * granularity
        stop = bisect_left(times, at + granularity, begin)
        part = values[begin:stop]
        steps = () if grown is None else grown[max(0, begin - shift) : stop - shift]
        made.append(
            Point(
                at,
                stop - begin,
                sum(part),
                sum(map(mul, part, part)),
                min(part),
                max(part),
                part[0],
                times[begin],
                part[-1],
                times[stop - 1],
                *(_steps(steps) if steps else NO_STEPS),
                array("d", sampled(part, len(part))).tobytes() if keep else None,
            )
        )
        begin = stop
    return made


NO_STEPS = (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def _steps(grown: Sequence[float]) -> tuple[int, float, float, float, float, float, float]:
    return (
        len(grown),
        sum(grown),
        sum(map(mul, grown, grown)),
        min(grown),
        max(grown),
        grown[0],
        grown[-1],
    )


def sampled(values: Sequence[float], count: int) -> Sequence[float]:
    """At most MOST_KEPT of them, evenly chosen; the same for the same values."""
    if len(values) <= MOST_KEPT:
        return values
    return random.Random(count).sample(values, MOST_KEPT)


def joined(before: bytes | None, before_count: int, now: bytes | None, now_count: int) -> bytes:
    """Kept values of one span: of each part as many as its share of all measures is."""
    mine, more = array("d", before or b""), array("d", now or b"")
    if len(mine) + len(more) <= MOST_KEPT:
        return (mine + more).tobytes()
    count = before_count + now_count
    wanted = round(MOST_KEPT * before_count / count)
    wanted = max(MOST_KEPT - len(more), min(wanted, len(mine)))
    chance = random.Random(count)
    return array(
        "d",
        [*chance.sample(mine, wanted), *chance.sample(more, min(MOST_KEPT - wanted, len(more)))],
    ).tobytes()


def percentile(kept: bytes, share: float) -> float:
    """By straight lines between the values, as numpy has it."""
    values = sorted(array("d", kept))
    place = (len(values) - 1) * share / 100.0
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def deviation(count: int, total: float, squares: float) -> float | None:
    """Of a sample; None of less than two values."""
    if count < 2:
        return None
    spread = squares - total * total / count
    return float((max(0.0, spread) / (count - 1)) ** 0.5)


PLAIN = ("mean", "sum", "last", "max", "min", "std", "count", "first")
RATES = tuple(f"rate:{method}" for method in PLAIN)
PERCENTILES = ("median", *(f"{share}pct" for share in range(1, 100)))
METHODS = frozenset((*PLAIN, *RATES, *PERCENTILES))
DEFAULT_METHODS = ["mean", "min", "max", "sum", "std", "count"]


def share_of(method: str) -> float | None:
    """Which percentile a method asks for; None: it is none."""
    if method == "median":
        return 50.0
    return float(method[:-3]) if method.endswith("pct") else None
