"""Series of aggregates put together."""

from collections.abc import Callable, Mapping, Sequence

from cumulo.core.faults import BadRequest
from cumulo.telemetry.model.points import deviation, share_of

Series = Sequence[tuple[int, float, float]]
"""(begin, granularity, value)"""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _deviation(values: Sequence[float]) -> float | None:
    return deviation(len(values), sum(values), sum(each * each for each in values))


AGGREGATES: Mapping[str, Callable[[Sequence[float]], float | None]] = {
    "mean": _mean,
    "sum": sum,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "std": _deviation,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
}


def aggregate(method: str, values: Sequence[float]) -> float | None:
    """Of at least one value. Raises BadRequest for a method that there is not."""
    name = method.removeprefix("rate:")
    share = share_of(name)
    if share is not None:
        ordered = sorted(values)
        place = (len(ordered) - 1) * share / 100.0
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
    if name not in AGGREGATES:
        raise BadRequest(f"Invalid input: unknown aggregation method {method[:40]!r}")
    return AGGREGATES[name](values)


def resampled(series: Series, method: str, span: float) -> list[tuple[int, float, float]]:
    """Points of wider spans, each of those that begin in it."""
    groups: dict[int, list[float]] = {}
    for at, _, value in series:
        groups.setdefault(int(at // span * span), []).append(value)
    made = []
    for at, values in sorted(groups.items()):
        found = aggregate(method, values)
        if found is not None:
            made.append((at, span, found))
    return made
