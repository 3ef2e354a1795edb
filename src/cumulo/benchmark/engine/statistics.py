"""Figures of durations, as they come: means, and percentiles by HDR histograms.

A histogram has three significant digits from a microsecond to an hour and a fixed size, so a run
of millions of iterations costs no more memory than one of ten.
"""

import math
from collections.abc import Iterable
from typing import Any

from cumulo.benchmark.model.result import Action, Iteration

LONGEST_US = 24 * 3600 * 1_000_000


class Mean:
    """Mean and deviation of a stream (Welford)."""

    __slots__ = ("_m2", "count", "value")

    def __init__(self) -> None:
        self.count = 0
        self.value = 0.0
        self._m2 = 0.0

    def add(self, x: float) -> None:
        self.count += 1
        off = x - self.value
        self.value += off / self.count
        self._m2 += off * (x - self.value)

    @property
    def deviation(self) -> float:
        return math.sqrt(self._m2 / (self.count - 1)) if self.count > 1 else 0.0


def rank(percent: float, count: int) -> int:
    """Which of `count`, by their length and from 1, is the first within which so many percent
    of them are."""
    return min(count, max(1, math.ceil(percent * count / 100.0 - 1e-9)))


class Percentiles:
    """A histogram of seconds."""

    __slots__ = ("_highest", "_histogram", "_lowest", "_sum")

    def __init__(self) -> None:
        from hdrh.histogram import HdrHistogram

        self._histogram: Any = HdrHistogram(1, LONGEST_US, 3)
        self._lowest = math.inf
        self._highest = 0.0
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self._histogram.record_value(min(LONGEST_US, max(1, round(seconds * 1e6))))
        self._lowest = min(self._lowest, seconds)
        self._highest = max(self._highest, seconds)
        self._sum += seconds

    @property
    def count(self) -> int:
        return int(self._histogram.total_count)

    @property
    def least(self) -> float:
        return self._lowest if self.count else 0.0

    @property
    def most(self) -> float:
        return self._highest

    @property
    def mean(self) -> float:
        return self._sum / self.count if self.count else 0.0

    def nth(self, place: int) -> float:
        """Seconds that the `place`th of them (from 1), by their length, took."""
        found = float(self._histogram.get_value_at_percentile(100.0 * place / self.count)) / 1e6
        return min(max(found, self._lowest), self._highest)

    def at(self, percent: float) -> float:
        """Seconds within which so many percent were done; 0 if there were none."""
        return self.nth(rank(percent, self.count)) if self.count else 0.0

    def curve(self) -> list[tuple[float, float]]:
        """(percent, seconds) for a plot with more points where it gets rare."""
        if not self.count:
            return []
        points = [*range(0, 90, 5), 90, 92, 94, 95, 96, 97, 98, 99, 99.5, 99.9, 99.95, 99.99, 100]
        return [(p, self.at(p)) for p in points]


class _Step:
    """Figures of an action at its place among the others."""

    __slots__ = ("children", "failed", "figures", "name", "times")

    def __init__(self, name: str) -> None:
        self.name = name
        self.figures = Percentiles()
        self.times = 0
        self.failed = 0
        self.children: dict[str, _Step] = {}


class Statistics:
    """Figures of a workload: of whole iterations, and of each action, nested as they are."""

    def __init__(self) -> None:
        self.total = Percentiles()
        self.iterations = 0
        self.failed = 0
        self.first = math.inf
        self.last = 0.0
        self._steps: dict[str, _Step] = {}
        self.errors: dict[str, int] = {}

    def add(self, iteration: Iteration) -> None:
        self.iterations += 1
        self.first = min(self.first, iteration.timestamp)
        end = iteration.timestamp + iteration.duration + iteration.idle_duration
        self.last = max(self.last, end)
        if iteration.error:
            self.failed += 1
            kind = iteration.error[0]
            self.errors[kind] = self.errors.get(kind, 0) + 1
        else:
            self.total.add(iteration.duration)
        _add(self._steps, iteration.atomic_actions)

    @property
    def load_duration(self) -> float:
        return max(0.0, self.last - self.first) if self.iterations else 0.0

    def document(self) -> dict[str, Any]:
        """The table of durations, as reports have it."""
        total = _row("total", self.total, self.iterations, self.failed)
        total["children"] = [
            _row("duration", self.total, self.iterations, self.failed),
        ]
        return {
            "durations": {
                "total": total,
                "atomics": [_rows(step, self.iterations) for step in self._steps.values()],
            },
            "errors": dict(sorted(self.errors.items(), key=lambda e: -e[1])),
            "percentiles": self.total.curve(),
        }


def _add(steps: dict[str, _Step], actions: Iterable[Action]) -> None:
    """Several actions of one name in an iteration count together, as one step."""
    merged: dict[str, list[Action]] = {}
    for action in actions:
        merged.setdefault(action.name, []).append(action)
    for name, same in merged.items():
        step = steps.get(name)
        if step is None:
            step = steps[name] = _Step(name)
        step.times = max(step.times, len(same))
        if any(action.failed for action in same):
            step.failed += 1
        else:
            step.figures.add(sum(action.duration for action in same))
        children = [child for action in same for child in action.children]
        if children:
            _add(step.children, children)


def _rows(step: _Step, iterations: int) -> dict[str, Any]:
    seen = step.figures.count + step.failed
    row = _row(step.name, step.figures, seen, step.failed)
    row["count_per_iteration"] = max(1, step.times)
    if step.times > 1:
        row["display_name"] = f"{step.name} (x{step.times})"
    row["children"] = [_rows(child, iterations) for child in step.children.values()]
    return row


def _row(name: str, figures: Percentiles, count: int, failed: int) -> dict[str, Any]:
    some = figures.count > 0

    def shown(value: float) -> float | None:
        return round(value, 6) if some else None

    return {
        "name": name,
        "display_name": name,
        "children": [],
        "count_per_iteration": 1,
        "data": {
            "iteration_count": count,
            "min": shown(figures.least),
            "median": shown(figures.at(50)),
            "90%ile": shown(figures.at(90)),
            "95%ile": shown(figures.at(95)),
            "99%ile": shown(figures.at(99)),
            "max": shown(figures.most),
            "avg": shown(figures.mean),
            "success": f"{100.0 * (count - failed) / count:.1f}%" if count else "n/a",
        },
    }
