"""Trends: the same workloads in several runs, with marks where a change is more than chance.

Two runs of a workload are compared by their mean durations (Welch's test): a difference counts if
chance alone would bring it in fewer than one of a hundred cases, and if it is more than 5 %.
"""

import math
from typing import TYPE_CHECKING, Any

import msgspec

from cumulo.benchmark.engine.statistics import Mean
from cumulo.benchmark.model.result import Iteration, WorkloadResult
from cumulo.benchmark.model.secrets import masked
from cumulo.benchmark.report.page import render

if TYPE_CHECKING:
    from cumulo.benchmark.report.documents import Results

SURE = 2.576
"""Standard errors beyond which chance is improbable (1 %)."""
WORTH = 0.05


def page(tasks: "list[Results]") -> str:
    """A page of all workloads that the tasks have, each over time."""
    ordered = sorted(tasks, key=lambda t: t.task.created_at)
    found: dict[bytes, dict[str, Any]] = {}
    for each in ordered:
        for subtask in each.task.subtasks:
            for w in subtask.workloads:
                key = msgspec.json.encode(
                    masked([w.name, w.args, w.runner_type, w.runner, w.contexts, w.sla, w.hooks])
                )
                entry = found.setdefault(
                    key,
                    {
                        "name": w.name,
                        "runner": f"{w.runner_type} {msgspec.json.encode(w.runner).decode()}",
                        "runs": [],
                    },
                )
                entry["runs"].append(_run(each, w))
    workloads = list(found.values())
    for place, entry in enumerate(workloads):
        entry["id"] = f"t{place}"
        _judge(entry["runs"])
        entry["series"] = _series(entry["runs"])
    return render("trends.html.j2", title=f"Trends of {len(ordered)} runs", workloads=workloads)


def _run(found: "Results", w: WorkloadResult) -> dict[str, Any]:
    mean = Mean()
    for iteration in found.read(w.uuid):
        _add(mean, iteration)
    total = w.statistics.get("durations", {}).get("total", {}).get("data", {})
    problems = [
        f"{c.get('plugin_name')}: {(c.get('setup') or {}).get('error', {}).get('msg', '')}"
        for c in w.contexts_results
        if (c.get("setup") or {}).get("error")
    ]
    return {
        "uuid": found.task.uuid,
        "at": found.task.created_at.replace("T", " "),
        "tags": found.task.tags,
        "passed": w.pass_sla,
        "total": w.total_iteration_count,
        "failed": w.failed_iteration_count,
        "mean": mean.value if mean.count else None,
        "deviation": mean.deviation,
        "count": mean.count,
        "median": total.get("median"),
        "p95": total.get("95%ile"),
        "problems": problems,
        "change": None,
        "verdict": "",
    }


def _add(mean: Mean, iteration: Iteration) -> None:
    if not iteration.error:
        mean.add(iteration.duration)


def _judge(runs: list[dict[str, Any]]) -> None:
    """Compare each run with the one before it that has figures."""
    before: dict[str, Any] | None = None
    for run in runs:
        if run["mean"] is None:
            continue
        if before is not None:
            run["change"] = run["mean"] / before["mean"] - 1 if before["mean"] else 0.0
            if significant(before, run):
                run["verdict"] = "slower" if run["change"] > 0 else "faster"
        before = run


def significant(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two runs' means differ by more than chance, and by enough to care."""
    if one["count"] < 2 or other["count"] < 2 or not one["mean"]:
        return False
    error = math.sqrt(
        one["deviation"] ** 2 / one["count"] + other["deviation"] ** 2 / other["count"]
    )
    difference = abs(other["mean"] - one["mean"])
    return bool(difference > SURE * error and difference / one["mean"] > WORTH)


def _series(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "labels": [run["at"] for run in runs],
        "mean": [run["mean"] for run in runs],
        "median": [run["median"] for run in runs],
        "p95": [run["p95"] for run in runs],
        "failed": [100.0 * run["failed"] / run["total"] if run["total"] else 100.0 for run in runs],
        "verdicts": [run["verdict"] for run in runs],
    }
