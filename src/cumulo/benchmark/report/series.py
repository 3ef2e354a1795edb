"""What the plots show: a workload's iterations, boiled down to a few hundred points.

One pass over the iterations, whatever their number: a page of a million iterations is as light as
one of a hundred.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from cumulo.benchmark.engine.statistics import Percentiles
from cumulo.benchmark.model.charts import fits
from cumulo.benchmark.model.result import Action, HookResult, Iteration, WorkloadResult

POINTS = 240
RATES = 60
BINS = 40
REASONS = 50
OUTPUTS = 10


def of(workload: WorkloadResult, iterations: Iterable[Iteration]) -> dict[str, Any]:
    """All series of a workload, as the page's script wants them."""
    made = _Series(workload)
    for number, iteration in enumerate(iterations):
        made.add(number, iteration)
    return made.document()


class _Series:
    def __init__(self, workload: WorkloadResult) -> None:
        self._workload = workload
        total = workload.total_iteration_count
        self._size = max(1, math.ceil(total / POINTS))
        count = math.ceil(total / self._size)
        self._count = [0] * count
        self._sum = [0.0] * count
        self._max = [0.0] * count
        self._failed = [0] * count
        self._actions: dict[str, list[float]] = {}
        self._start = workload.start_time or 0.0
        self._slot = max(workload.load_duration, 1e-3) / POINTS
        # Of each slot: iterations that fill it (as differences), and parts of others.
        self._through = [0] * (POINTS + 2)
        self._partly = [0.0] * (POINTS + 1)
        self._ended = [0] * (RATES + 1)
        self._lost = [0] * (RATES + 1)
        data = workload.statistics.get("durations", {}).get("total", {}).get("data", {})
        self._least = data.get("min") or 0.0
        self._most = data.get("max") or 0.0
        self._bins = [0] * BINS
        self._reasons: dict[tuple[str, str], dict[str, Any]] = {}
        self._outputs = _Outputs()

    def add(self, number: int, i: Iteration) -> None:
        if not self._count:
            # Of a workload that was not thought to have any yet.
            for values in (self._count, self._sum, self._max, self._failed):
                values.append(0)
        place = min(number // self._size, len(self._count) - 1)
        self._count[place] += 1
        self._sum[place] += i.duration
        self._max[place] = max(self._max[place], i.duration)
        self._failed[place] += bool(i.error)
        for action in i.atomic_actions:
            self._action(action, place)
        self._load(i)
        if i.error:
            self._reason(i)
        else:
            self._bin(i.duration)
        self._outputs.add(number, i.output)

    def _action(self, action: Action, place: int) -> None:
        values = self._actions.get(action.name)
        if values is None:
            values = self._actions[action.name] = [0.0] * len(self._count)
        values[place] += action.duration

    def _load(self, i: Iteration) -> None:
        begin = (i.timestamp - self._start) / self._slot
        end = begin + (i.duration + i.idle_duration) / self._slot
        first = min(POINTS, max(0, int(begin)))
        last = min(POINTS, max(0, int(end)))
        if first == last:
            self._partly[first] += end - begin
        else:
            self._partly[first] += first + 1 - begin
            self._partly[last] += end - last
            self._through[first + 1] += 1
            self._through[last] -= 1
        place = min(RATES, max(0, int(end * RATES / POINTS)))
        self._ended[place] += 1
        self._lost[place] += bool(i.error)

    def _bin(self, duration: float) -> None:
        width = (self._most - self._least) / BINS
        place = int((duration - self._least) / width) if width > 0 else 0
        self._bins[min(BINS - 1, max(0, place))] += 1

    def _reason(self, i: Iteration) -> None:
        kind, words, trace = ([*i.error, "", "", ""])[:3]
        key = (kind, general(words))
        found = self._reasons.get(key)
        if found is None and len(self._reasons) >= REASONS:
            key = ("…", "other reasons")
            found = self._reasons.get(key)
        if found is None:
            found = self._reasons[key] = {
                "kind": key[0],
                "words": words if key[0] != "…" else key[1],
                "trace": trace,
                "count": 0,
                "first": i.timestamp - self._start,
            }
        found["count"] += 1

    def document(self) -> dict[str, Any]:
        running, seen = 0, []
        for change, part in zip(self._through, self._partly, strict=False):
            running += change
            seen.append(round(running + part, 3))
        times = [round(n * self._slot, 6) for n in range(POINTS)]
        # What ended at the very end belongs to the last slot.
        for values in (self._ended, self._lost):
            values[RATES - 1] += values.pop()
        wide = self._slot * POINTS / RATES
        reasons = sorted(self._reasons.values(), key=lambda r: -r["count"])
        return {
            "iterations": {
                "x": [n * self._size + 1 for n in range(len(self._count))],
                "mean": [_mean(s, c) for s, c in zip(self._sum, self._count, strict=True)],
                "max": [round(value, 6) for value in self._max],
                "failed": self._failed,
                "size": self._size,
            },
            "actions": self._stack(),
            "load": {
                "t": times,
                "running": seen[:POINTS],
                "tr": [round((n + 0.5) * wide, 6) for n in range(RATES)],
                "rate": [round(n / wide, 3) for n in self._ended],
                "lost": [round(n / wide, 3) for n in self._lost],
            },
            "histogram": {"least": self._least, "most": self._most, "counts": self._bins},
            "percentiles": self._workload.statistics.get("percentiles", []),
            "reasons": reasons,
            "hooks": hooks(self._workload.hooks_results, self._start),
            "outputs": self._outputs.document(),
        }

    def _stack(self) -> dict[str, Any]:
        """Mean seconds of each action; what no action has is "other"."""
        rows = {
            name: [_mean(s, c) for s, c in zip(values, self._count, strict=True)]
            for name, values in self._actions.items()
        }
        rest = []
        for place, count in enumerate(self._count):
            spent = sum(values[place] for values in rows.values())
            rest.append(round(max(0.0, _mean(self._sum[place], count) - spent), 6))
        if any(value > 1e-4 for value in rest):
            rows["other"] = rest
        return {"names": list(rows), "values": list(rows.values())}


def _mean(total: float, count: int) -> float:
    return round(total / count, 6) if count else 0.0


def general(words: str) -> str:
    """A reason without what differs each time: ids, numbers, names."""
    import re

    text = re.sub(r"req-[0-9a-f-]{36}", "req-…", words)
    text = re.sub(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", "…", text)
    text = re.sub(r"[sc]_rally_\w{8}_\w{8}", "…", text)
    return text[:300]


def hooks(results: list[HookResult], start: float) -> list[dict[str, Any]]:
    """Marks for the plots over time, and rows for the table."""
    found: list[dict[str, Any]] = []
    for hook in results:
        ((action, config),) = hook.config["action"].items()
        label = hook.config.get("description") or action
        for each in hook.results:
            found.append(
                {
                    "label": label,
                    "action": f"{action}: {config if isinstance(config, str) else dict(config)}",
                    "at": round(each["started_at"] - start, 3),
                    "seconds": round(each.get("finished_at", 0) - each["started_at"], 3),
                    "status": each["status"],
                    "by": "{event_type} {value}".format(**each["triggered_by"]),
                    "error": each.get("error", {}).get("msg", ""),
                    "output": _texts(each.get("output")),
                }
            )
    return found


def _texts(output: Mapping[str, Any] | None) -> str:
    lines = [
        str(line)
        for chart in (output or {}).get("complete", ())
        if chart.get("chart_plugin") == "TextArea"
        for line in chart.get("data", ())
    ]
    return "\n".join(lines)[:5000]


class _Outputs:
    """What scenarios put into the report themselves."""

    def __init__(self) -> None:
        self._additive: dict[int, dict[str, Any]] = {}
        self._complete: list[dict[str, Any]] = []
        self._seen = 0

    def add(self, number: int, output: Mapping[str, list[Any]]) -> None:
        for place, chart in enumerate(output.get("additive", ())):
            if not fits("additive", chart):
                continue
            kept = self._additive.setdefault(
                place,
                {
                    "title": str(chart.get("title", "")),
                    "kind": chart.get("chart_plugin", "StatsTable"),
                    "label": chart.get("label", ""),
                    "description": chart.get("description", ""),
                    "figures": {},
                    "rows": [],
                },
            )
            for name, value in chart.get("data", ()):
                figures = kept["figures"].setdefault(str(name), Percentiles())
                figures.add(float(value))
            if len(kept["rows"]) < POINTS:
                kept["rows"].append([v for _, v in chart.get("data", ())])
        if output.get("complete") and self._seen < OUTPUTS:
            self._seen += 1
            for chart in output["complete"]:
                if not fits("complete", chart):
                    continue
                self._complete.append(
                    {
                        "iteration": number + 1,
                        "title": str(chart.get("title", "")),
                        "kind": chart.get("chart_plugin", "TextArea"),
                        "label": chart.get("label", ""),
                        "axis": chart.get("axis_label", ""),
                        "description": chart.get("description", ""),
                        "data": chart.get("data", []),
                    }
                )

    def document(self) -> dict[str, Any]:
        additive = []
        for chart in self._additive.values():
            figures = chart.pop("figures")
            chart["names"] = list(figures)
            chart["table"] = [
                [name, *(_shown(v) for v in (f.least, f.at(50), f.at(90), f.most, f.mean)), f.count]
                for name, f in figures.items()
            ]
            chart["sums"] = [[name, round(f.mean * f.count, 6)] for name, f in figures.items()]
            additive.append(chart)
        return {"additive": additive, "complete": self._complete}


def _shown(value: float) -> float:
    return round(value, 3)
