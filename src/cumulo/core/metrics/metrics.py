"""Counters of this process, as Prometheus reads them (text format 0.0.4).

    REQUESTS = metrics.counter("cumulo_requests_total", "Requests answered.", "service", "status")
    REQUESTS.add("compute", "200")
    metrics.gauge("cumulo_pool_busy", "Calls at work.", lambda: [(("disk",), 3)], "pool")

A gauge is a function, asked when somebody looks: what is at work counts itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

Sample = tuple[tuple[str, ...], float]

MOST_SAMPLES = 20_000
"""Of one metric; what comes beyond is not counted. Labels are never a client's words."""


class Counter:
    __slots__ = ("_values", "help", "labels", "name")

    def __init__(self, name: str, help: str, labels: tuple[str, ...]) -> None:
        self.name, self.help, self.labels = name, help, labels
        self._values: dict[tuple[str, ...], float] = defaultdict(float)

    def add(self, *labels: str, n: float = 1.0) -> None:
        if labels in self._values or len(self._values) < MOST_SAMPLES:
            self._values[labels] += n

    def samples(self) -> list[Sample]:
        return sorted(self._values.items())


class Metrics:
    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[
            str, tuple[str, str, tuple[str, ...], list[Callable[[], Iterable[Sample]]]]
        ] = {}

    def counter(self, name: str, help: str, *labels: str) -> Counter:
        return self._counters.setdefault(name, Counter(name, help, labels))

    def gauge(
        self,
        name: str,
        help: str,
        read: Callable[[], Iterable[Sample]],
        *labels: str,
        kind: str = "gauge",
    ) -> None:
        """`kind` counter: what only grows, and is counted elsewhere."""
        self._gauges.setdefault(name, (help, kind, labels, []))[3].append(read)

    def text(self) -> str:
        lines: list[str] = []
        for counter in self._counters.values():
            lines += _head(counter.name, counter.help, "counter")
            lines += [_line(counter.name, counter.labels, each) for each in counter.samples()]
        for name, (help, kind, labels, readers) in self._gauges.items():
            lines += _head(name, help, kind)
            lines += [_line(name, labels, each) for read in readers for each in read()]
        return "\n".join(lines) + "\n"


def _head(name: str, help: str, kind: str) -> list[str]:
    return [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: tuple[str, ...], sample: Sample) -> str:
    values, number = sample
    pairs = [f'{n}="{_quoted(value)}"' for n, value in zip(labels, values, strict=True)]
    return f"{name}{{{','.join(pairs)}}} {number:.10g}" if pairs else f"{name} {number:.10g}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
