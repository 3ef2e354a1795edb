"""Criteria: what a run must have kept to. They look at one iteration after the other.

The wording of the verdicts is Rally's: scripts read it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cumulo.benchmark.engine.statistics import Mean, Percentiles, rank
from cumulo.benchmark.model.result import Action, Iteration, SlaResult
from cumulo.benchmark.model.shapes import Schema, problems


class Criterion(Protocol):
    def add(self, iteration: Iteration) -> None: ...

    @property
    def success(self) -> bool: ...

    def detail(self) -> str: ...


def _word(success: bool) -> str:
    return "Passed" if success else "Failed"


class FailureRate:
    def __init__(self, config: Mapping[str, float]) -> None:
        self._least = config.get("min", 0)
        self._most = config.get("max", 100)
        self._failed = 0
        self._total = 0

    def add(self, iteration: Iteration) -> None:
        self._total += 1
        self._failed += bool(iteration.error)

    @property
    def _rate(self) -> float:
        return self._failed * 100.0 / self._total if self._total else 0.0

    @property
    def success(self) -> bool:
        return self._least <= self._rate <= self._most

    def detail(self) -> str:
        return (
            f"Failure rate criteria {self._least:.2f}% <= {self._rate:.2f}% <= {self._most:.2f}%"
            f" - {_word(self.success)}"
        )


class IterationTime:
    def __init__(self, config: float) -> None:
        self._allowed = config
        self._longest = 0.0

    def add(self, iteration: Iteration) -> None:
        self._longest = max(self._longest, iteration.duration)

    @property
    def success(self) -> bool:
        return self._longest <= self._allowed

    def detail(self) -> str:
        return (
            f"Maximum seconds per iteration {self._longest:.2f}s <= {self._allowed:.2f}s"
            f" - {_word(self.success)}"
        )


class MaxAverageDuration:
    def __init__(self, config: float) -> None:
        self._allowed = config
        self._mean = Mean()

    def add(self, iteration: Iteration) -> None:
        if not iteration.error:
            self._mean.add(iteration.duration)

    @property
    def success(self) -> bool:
        return self._mean.value <= self._allowed

    def detail(self) -> str:
        return (
            f"Average duration of one iteration {self._mean.value:.2f}s <= {self._allowed:.2f}s"
            f" - {_word(self.success)}"
        )


class MaxAverageDurationPerAtomic:
    def __init__(self, config: Mapping[str, float]) -> None:
        self._allowed = config
        self._means = {name: Mean() for name in config}

    def add(self, iteration: Iteration) -> None:
        if not iteration.error:
            self._look(iteration.atomic_actions)

    def _look(self, actions: list[Action]) -> None:
        for action in actions:
            if action.name in self._means:
                self._means[action.name].add(action.duration)

    @property
    def success(self) -> bool:
        return all(self._means[n].value <= most for n, most in self._allowed.items())

    def detail(self) -> str:
        lines = [
            f"Action: '{name}'. {self._means[name].value:.2f}s <= {most:.2f}s"
            for name, most in self._allowed.items()
        ]
        return "\n".join(
            [
                "Average duration of one iteration for atomic actions:",
                *lines,
                f"Status: {_word(self.success)}",
            ]
        )


class Outliers:
    """An iteration is an outlier if it took longer than the mean of those before it and so many
    standard deviations."""

    def __init__(self, config: Mapping[str, float]) -> None:
        self._allowed = config.get("max", 0)
        self._from = config.get("min_iterations", 3)
        self._sigmas = config.get("sigmas", 3.0)
        self._mean = Mean()
        self._outliers = 0

    def add(self, iteration: Iteration) -> None:
        if iteration.error:
            return
        enough = self._mean.count >= 2 and self._mean.count + 1 >= self._from
        threshold = self._mean.value + self._sigmas * self._mean.deviation
        if enough and threshold and iteration.duration > threshold:
            self._outliers += 1
        self._mean.add(iteration.duration)

    @property
    def success(self) -> bool:
        return self._outliers <= self._allowed

    def detail(self) -> str:
        return (
            f"Maximum number of outliers {self._outliers} <= {int(self._allowed)}"
            f" - {_word(self.success)}"
        )


class PerformanceDegradation:
    """How much longer the slowest iteration took than the fastest, in percent."""

    def __init__(self, config: Mapping[str, float]) -> None:
        self._allowed = config["max_degradation"]
        self._least = math.inf
        self._most = 0.0

    def add(self, iteration: Iteration) -> None:
        if not iteration.error:
            self._least = min(self._least, iteration.duration)
            self._most = max(self._most, iteration.duration)

    @property
    def _degradation(self) -> float:
        if not self._most or not self._least or self._least == math.inf:
            return 0.0
        return (self._most / self._least - 1) * 100.0

    @property
    def success(self) -> bool:
        return self._degradation <= self._allowed

    def detail(self) -> str:
        return f"Current degradation: {short(self._degradation)}% - {_word(self.success)}"


class Percentile:
    """Ours: `percentile: {"95": 0.5, "99.9": 2}`: so many percent of the iterations took no longer
    than so many seconds."""

    def __init__(self, config: Mapping[str, float]) -> None:
        self._allowed = {float(name): most for name, most in config.items()}
        # Asked after each iteration: counting is cheap then, walking a histogram is not.
        self._in_time = dict.fromkeys(self._allowed, 0)
        self._seen = Percentiles()
        self._total = 0

    def add(self, iteration: Iteration) -> None:
        self._total += 1
        if iteration.error:
            return
        self._seen.add(iteration.duration)
        for percent, most in self._allowed.items():
            if iteration.duration <= most:
                self._in_time[percent] += 1

    def _at(self, percent: float) -> float:
        """A failed iteration takes for ever; where there is none nothing was done in time."""
        place = rank(percent, self._total)
        return self._seen.nth(place) if 0 < place <= self._seen.count else math.inf

    @property
    def success(self) -> bool:
        return self._total > 0 and all(
            self._in_time[p] >= rank(p, self._total) for p in self._allowed
        )

    def detail(self) -> str:
        parts = [
            f"{p:g}%ile {self._at(p):.3f}s <= {most:.3f}s" for p, most in self._allowed.items()
        ]
        return f"Percentiles of one iteration: {', '.join(parts)} - {_word(self.success)}"


def short(value: float) -> str:
    """A number with at least one and at most six digits after the point."""
    text = f"{value:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


_PERCENT = {"type": "number", "minimum": 0.0, "maximum": 100.0}

SCHEMAS: Mapping[str, Schema] = {
    "failure_rate": {
        "type": "object",
        "properties": {"min": _PERCENT, "max": _PERCENT},
        "minProperties": 1,
        "additionalProperties": False,
    },
    "max_seconds_per_iteration": {"type": "number", "exclusiveMinimum": 0.0},
    "max_avg_duration": {"type": "number", "exclusiveMinimum": 0.0},
    "max_avg_duration_per_atomic": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"type": "number"},
    },
    "outliers": {
        "type": "object",
        "properties": {
            "max": {"type": "integer", "minimum": 0},
            "min_iterations": {"type": "integer", "minimum": 3},
            "sigmas": {"type": "number", "exclusiveMinimum": 0.0},
        },
        "additionalProperties": False,
    },
    "performance_degradation": {
        "type": "object",
        "properties": {"max_degradation": {"type": "number", "minimum": 0.0}},
        "required": ["max_degradation"],
        "additionalProperties": False,
    },
    "percentile": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"type": "number", "exclusiveMinimum": 0.0},
    },
}

TITLES: Mapping[str, str] = {
    "failure_rate": "Least and most failed iterations in percent",
    "max_seconds_per_iteration": "Longest time for one iteration in seconds",
    "max_avg_duration": "Longest average duration of one iteration in seconds",
    "max_avg_duration_per_atomic": "Longest average duration of atomic actions in seconds",
    "outliers": "Most iterations that take much longer than those before them",
    "performance_degradation": "How much slower the slowest iteration may be than the fastest",
    "percentile": "Longest duration for so many percent of the iterations",
}

_MADE: Mapping[str, Callable[[Any], Criterion]] = {
    "failure_rate": FailureRate,
    "max_seconds_per_iteration": IterationTime,
    "max_avg_duration": MaxAverageDuration,
    "max_avg_duration_per_atomic": MaxAverageDurationPerAtomic,
    "outliers": Outliers,
    "performance_degradation": PerformanceDegradation,
    "percentile": Percentile,
}


def wrong(name: str, config: object) -> list[str]:
    """What is wrong with a criterion's configuration."""
    bare = name.partition("@")[0]
    if bare not in SCHEMAS:
        return [f"There is no SLA plugin `{bare}` in any of default platform."]
    found = list(problems(config, SCHEMAS[bare]))
    if not found and bare == "percentile":
        assert isinstance(config, dict)
        found = [f"{p!r} is no percentile" for p in config if not _is_percentile(p)]
    return found


def _is_percentile(text: str) -> bool:
    try:
        return 0 < float(text) <= 100
    except ValueError:
        return False


class Checker:
    """All criteria of a workload."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._criteria = [(n, _MADE[n.partition("@")[0]](c)) for n, c in config.items()]
        self.aborted_on_sla = False
        self.aborted_manually = False
        self.unexpected = ""
        self._seen = 0

    def add(self, iteration: Iteration) -> bool:
        """Take an iteration into account; whether all criteria hold so far."""
        fine = True
        self._seen += 1
        for _, criterion in self._criteria:
            criterion.add(iteration)
            fine = criterion.success and fine
        return fine

    def results(self) -> list[SlaResult]:
        found = [SlaResult(n, c.success, c.detail()) for n, c in self._criteria]
        if self.aborted_on_sla:
            found.append(
                SlaResult("aborted_on_sla", False, "Task was aborted due to SLA failure(s).")
            )
        if self.aborted_manually:
            found.append(
                SlaResult("aborted_manually", False, "Task was aborted due to abort signal.")
            )
        wrong = self.unexpected and f"Unexpected error: {self.unexpected}"
        if not self._seen and all(r.success for r in found):
            # A load that there was none of has shown nothing.
            wrong = wrong or "There was no iteration."
        if wrong:
            found.append(SlaResult("something_went_wrong", False, wrong))
        return found
