"""Prometheus text, as its own parser would read it."""

import re

from cumulo.core.metrics import metrics as module
from cumulo.core.metrics.metrics import Metrics
from cumulo.core.metrics.process import watch_process

LINE = re.compile(
    r'^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="([^"\\\n]|\\.)*"(,\w+="([^"\\\n]|\\.)*")*\})? [-+\d.e]+)$'
)


def test_counters_and_gauges() -> None:
    metrics = Metrics()
    asked = metrics.counter("asked_total", "Asked.", "who", "status")
    asked.add("a", "200")
    asked.add("a", "200", n=2)
    asked.add('odd "name"\n\\', "500")
    metrics.gauge("lag_seconds", "Late.", lambda: [((), 0.25)])
    metrics.gauge("busy", "Busy.", lambda: [(("disk",), 3)], "pool")
    metrics.gauge("busy", "Busy.", lambda: [(("net",), 4)], "pool")
    watch_process(metrics)
    lines = metrics.text().splitlines()
    assert all(LINE.match(line) for line in lines)
    assert 'asked_total{who="a",status="200"} 3' in lines
    assert r'asked_total{who="odd \"name\"\n\\",status="500"} 1' in lines
    assert "lag_seconds 0.25" in lines
    assert lines.count("# TYPE busy gauge") == 1
    assert {'busy{pool="disk"} 3', 'busy{pool="net"} 4'} <= set(lines)
    assert "# TYPE process_cpu_seconds_total counter" in lines
    memory = next(line for line in lines if line.startswith("process_resident_memory_bytes"))
    assert float(memory.split()[1]) > 10_000_000


def test_labels_are_bounded(monkeypatch: object) -> None:
    counter = Metrics().counter("x_total", "X.", "n")
    for n in range(module.MOST_SAMPLES + 10):
        counter.add(str(n))
    counter.add("0")
    assert len(counter.samples()) == module.MOST_SAMPLES
