"""What telemetry costs: measures folded in batches, what simulated agents push, a year read back.

PYTHONPATH=src:. .venv/bin/python -m bench.telemetry
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from cumulo import settings, wiring
from cumulo.core.clock import to_moment
from cumulo.core.hosts.samples import Sample
from cumulo.core.ids import child_id
from cumulo.telemetry.api.measures import OF_METRICS, _points
from cumulo.telemetry.model.metric import MetricRow, ResourceRow
from cumulo.telemetry.model.times import stamp
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.resources import SYSTEM
from cumulo.telemetry.service.samples import UNITS, Samples

BEGIN = 1_700_000_000 // 3600 * 3600
GUESTS, METRICS_OF_GUEST = 500, 20
"""Of one round of samples; the figure is for 10,000 guests."""


def cpu_of(work: Callable[[], Any]) -> float:
    gc.collect()
    begun = time.process_time()
    work()
    return time.process_time() - begun


class Bench:
    def __init__(self, folder: Path) -> None:
        self.database: Any = wiring.open_database(settings.load(folder))
        self.metrics = Metrics()
        self.database.write_now(self.metrics.policies.first)
        self.samples = Samples(self.database, self.metrics, "ceilometer-low", "ceilometer-low-rate")

    def metric(self, name: str, policy: str) -> str:
        row = MetricRow(
            child_id("bench", "metric", name), name, None, policy, None, "b:b", "b", to_moment(0)
        )
        self.database.write_now(lambda tx: tx.insert(row, ignore_duplicate=True))
        return row.id

    def batch(self, policy: str, count: int = 20, each: int = 1000, step: int = 10) -> float:
        """Samples a CPU-second, from the request's bytes to the rows."""
        ids = [self.metric(f"{policy}-{n}", policy) for n in range(count)]
        body = {
            id: [{"timestamp": stamp(BEGIN + n * step), "value": n * 1.5} for n in range(each)]
            for id in ids
        }
        raw = json.dumps(body).encode()

        def work() -> None:
            taken = {id: _points(given, [0]) for id, given in OF_METRICS.decode(raw).items()}
            for id, points in taken.items():
                one = {id: points}
                self.database.write_now(lambda tx, one=one: self.metrics.add(tx, one))

        return count * each / cpu_of(work)

    def a_year(self) -> float:
        """Milliseconds of CPU to read 8,760 hourly points, as they are sent."""
        id = self.metric("year", "medium")
        points = [(float(BEGIN + n * 3600), float(n)) for n in range(8760)]
        for first in range(0, len(points), 2000):
            some = {id: points[first : first + 2000]}
            self.database.write_now(lambda tx, some=some: self.metrics.add(tx, some))
        row = self.database.read_now(lambda tx: self.metrics.get(tx, id))
        best = 1e9
        for _ in range(5):

            def work() -> None:
                found = self.database.read_now(
                    lambda tx: self.metrics.measures(tx, row, granularity=3600.0)
                )
                assert len(found) == 8760
                msgspec.json.encode([(stamp(at), span, value) for at, span, value in found])

            best = min(best, cpu_of(work))
        return best * 1000

    def agents(self) -> float:
        """Share of a core for 10,000 guests of 20 metrics at 60 seconds."""
        names = sorted(UNITS)[:METRICS_OF_GUEST]
        ids = [child_id("bench", "guest", str(n)) for n in range(GUESTS)]
        for id in ids:
            row = ResourceRow(
                id, id, "instance", "p", None, SYSTEM, {}, to_moment(0), None, to_moment(0), None
            )
            self.database.write_now(lambda tx, row=row: tx.insert(row, ignore_duplicate=True))
        spent = 0.0
        for turn in range(3):
            at = float(BEGIN + turn * 60)
            found = [Sample("instance", id, name, at, at) for id in ids for name in names]

            def work(found: list[Sample] = found) -> None:
                for first in range(0, len(found), 2000):
                    some = found[first : first + 2000]
                    self.database.write_now(lambda tx, some=some: self.samples.keep(tx, some))

            spent = cpu_of(work)  # The first ones make the metrics.
        return spent * (10_000 / GUESTS) / 60.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.batch("low", 2)
        print("| what | figure |")
        print("|---|---|")
        for policy in ("low", "ceilometer-low-rate", "medium", "high"):
            print(f"| samples a CPU-second, policy {policy} | {bench.batch(policy):,.0f} |")
        print(f"| a year of hourly points read | {bench.a_year():.1f} ms |")
        print(f"| 10,000 guests of 20 metrics at 60 s | {bench.agents() * 100:.0f} % of a core |")
        bench.database.close()


if __name__ == "__main__":
    sys.exit(main())
