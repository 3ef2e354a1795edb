"""The report: one HTML file that needs nothing else, for a screen of any width."""

import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from cumulo.benchmark.model.result import WorkloadResult
from cumulo.benchmark.model.secrets import masked
from cumulo.benchmark.model.task import Hook, Workload, workload_document
from cumulo.benchmark.report import series

if TYPE_CHECKING:
    from cumulo.benchmark.report.documents import Results


def page(tasks: "list[Results]") -> str:
    """A page of one or several tasks."""
    return render(
        "page.html.j2",
        title=tasks[0].task.title if len(tasks) == 1 else f"{len(tasks)} tasks",
        tasks=[_task(each) for each in tasks],
        passed=all(each.task.passed for each in tasks),
    )


def render(template: str, **values: Any) -> str:
    """A template of this folder, with the style and the script in it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = seconds
    environment.filters["embedded"] = embedded
    environment.filters["rate"] = rate
    here = resources.files(__package__)
    return environment.get_template(template).render(
        style=(here / "page.css").read_text(),
        script=(here / "charts.js").read_text(),
        made=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **values,
    )


def seconds(value: float | None) -> str:
    """A duration for people: 3 digits that matter."""
    if value is None:
        return "-"
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.1f} min"


def rate(value: float) -> str:
    """So many a second, for people."""
    return f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s"


def embedded(value: Any) -> str:
    """JSON that cannot end the script element that it is in."""
    import markupsafe

    text = msgspec.json.encode(value).decode()
    for sign, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(sign, code)
    return markupsafe.Markup(text)


def _task(found: "Results") -> dict[str, Any]:
    task = found.task
    workloads = [_workload(w, found) for s in task.subtasks for w in s.workloads]
    return {
        "uuid": task.uuid,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "passed": task.passed,
        "tags": task.tags,
        "env": task.env_name,
        "created_at": task.created_at.replace("T", " "),
        "problem": task.validation_result.get("msg", ""),
        "iterations": sum(w["total"] for w in workloads),
        "failed": sum(w["failed"] for w in workloads),
        "load": sum(w["load"] for w in workloads),
        "workloads": workloads,
    }


def _workload(w: WorkloadResult, found: "Results") -> dict[str, Any]:
    durations = w.statistics.get("durations", {})
    total = durations.get("total", {}).get("data", {})
    rows: list[dict[str, Any]] = []
    for row in durations.get("atomics", ()):
        _rows(row, 0, rows)
    if durations:
        _rows({**durations["total"], "children": []}, 0, rows)
    document = workload_document(
        Workload(
            name=w.name,
            args=w.args,
            contexts=w.contexts,
            runner_type=w.runner_type,
            runner=w.runner,
            sla=w.sla,
            hooks=[msgspec.convert(hook, Hook) for hook in w.hooks],
        )
    )
    server = w.cpu.get("server")
    return {
        "id": f"w{w.uuid[:8]}",
        "name": w.name,
        "description": w.description,
        "passed": w.pass_sla,
        "total": w.total_iteration_count,
        "failed": w.failed_iteration_count,
        "load": w.load_duration,
        "full": w.full_duration,
        "rate": w.total_iteration_count / w.load_duration if w.load_duration else 0.0,
        "median": total.get("median"),
        "p95": total.get("95%ile"),
        "p99": total.get("99%ile", total.get("max")),
        "runner": f"{w.runner_type} {_short(w.runner)}",
        "sla": w.sla_results,
        "rows": rows,
        "contexts": [_context(c) for c in w.contexts_results],
        "input": msgspec.json.format(msgspec.json.encode(masked(document)), indent=2).decode(),
        "generator_cpu": w.cpu.get("generator"),
        "server_cpu": server,
        "ratio": w.cpu["generator"] / server if server else None,
        "series": series.of(w, found.read(w.uuid)),
    }


def _rows(row: dict[str, Any], depth: int, rows: list[dict[str, Any]]) -> None:
    rows.append({"name": row["display_name"], "depth": depth, **row["data"]})
    for child in row["children"]:
        _rows(child, depth + 1, rows)


def _short(config: dict[str, Any]) -> str:
    parts = []
    for name, value in config.items():
        shown = f"({_short(value)})" if isinstance(value, dict) else value
        parts.append(f"{name} {shown}")
    return ", ".join(parts)


def _context(done: dict[str, Any]) -> dict[str, Any]:
    def part(which: str) -> tuple[float | None, str]:
        step = done.get(which) or {}
        begun, ended = step.get("started_at"), step.get("finished_at")
        error = step.get("error") or {}
        words = f"{error.get('etype', '')}: {error.get('msg', '')}" if error else ""
        return (ended - begun if begun and ended else None), words

    made, wrong = part("setup")
    removed, left = part("cleanup")
    name = done.get("plugin_name", "")
    return {
        "name": name,
        "setup": made,
        "cleanup": removed,
        "errors": [e for e in (wrong, left) if e],
    }
