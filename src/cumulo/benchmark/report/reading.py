"""Results back from a file: a JSON report of ours or of Rally's, new or old."""

import contextlib
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cumulo.benchmark.engine.statistics import Statistics
from cumulo.benchmark.model.result import (
    FINISHED,
    UNFINISHED,
    Action,
    Iteration,
    SlaResult,
    SubtaskResult,
    TaskResult,
    WorkloadResult,
)
from cumulo.benchmark.moments import FORM, moment_of, now
from cumulo.benchmark.report.documents import FORMAT, Results, Unreadable
from cumulo.benchmark.report.hooks import kept_hook, kept_old_hook, read_hooks
from cumulo.core.ids import new_id

FILE_BYTES = 1024 * 1024 * 1024


def read_file(path: Path) -> list[Results]:
    """Tasks of a JSON report, new or old. Raises Unreadable."""
    if path.stat().st_size > FILE_BYTES:
        raise Unreadable(f"{path} is larger than {FILE_BYTES} bytes")
    try:
        document = json.loads(path.read_bytes())
        if isinstance(document, list):
            return [_checked(_from_old(document))]
        version = str((document.get("info") or {}).get("format_version", FORMAT))
        if int(version.partition(".")[0]) > int(FORMAT.partition(".")[0]):
            raise ValueError(f"it is of a newer format, {version:.20}")
        return [_checked(_from_task(task)) for task in document["tasks"]]
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        OSError,
        RecursionError,
        msgspec.ValidationError,
    ) as error:
        raise Unreadable(f"ERROR: Invalid task result format in {path}: {error}") from None


def _checked(found: Results) -> Results:
    """With every part of the type that it must have: what is kept is read again."""
    return Results(msgspec.convert(msgspec.to_builtins(found.task), TaskResult), found.read)


def _ended(status: object) -> str:
    """Nobody runs what comes from a file."""
    if status in UNFINISHED:
        return "aborted"
    return str(status) if status in (*FINISHED, "crashed") else "crashed"


def _from_task(task: Mapping[str, Any]) -> Results:
    iterations: dict[str, list[Iteration]] = {}
    made = TaskResult(
        uuid=task["uuid"],
        env_uuid=task.get("env_uuid", ""),
        env_name=task.get("env_name", ""),
        title=task.get("title", ""),
        description=task.get("description", ""),
        tags=list(task.get("tags", ())),
        status=_ended(task.get("status", "finished")),
        created_at=task["created_at"],
        updated_at=task["updated_at"],
        pass_sla=bool(task.get("pass_sla", True)),
    )
    for entry in task["subtasks"]:
        subtask = SubtaskResult(
            uuid=entry.get("uuid") or new_id(),
            task_uuid=made.uuid,
            title=entry.get("title", ""),
            description=entry.get("description", ""),
            status=entry.get("status", "finished"),
            created_at=entry.get("created_at", made.created_at),
            updated_at=entry.get("updated_at", made.updated_at),
        )
        for w in entry["workloads"]:
            ((name, args),) = w["scenario"].items()
            ((runner_type, runner),) = w["runner"].items()
            data = [_to_iteration(i) for i in w["data"]]
            verdicts = w.get("sla_results", {}).get("sla", [])
            workload = _imported(
                subtask, name, args, runner_type, runner, data, verdicts, w.get("position", 0)
            )
            workload.uuid = w.get("uuid") or workload.uuid
            # One that was killed has no verdicts.
            workload.pass_sla = workload.pass_sla and bool(w.get("pass_sla", True))
            workload.description = w.get("description", "")
            workload.contexts = w.get("contexts", {})
            workload.sla = w.get("sla", {})
            workload.full_duration = float(w.get("full_duration", 0.0))
            workload.hooks_results = read_hooks(w.get("hooks", []))
            workload.hooks = [kept_hook(h.config) for h in workload.hooks_results]
            workload.contexts_results = list(w.get("contexts_results", ()))
            workload.cpu = dict(w.get("cpu", {}))
            iterations[workload.uuid] = data
            subtask.workloads.append(workload)
        made.subtasks.append(subtask)
    return Results(made, lambda uuid: iter(iterations[uuid]))


def _from_old(documents: list[Any]) -> Results:
    moments = [_began(entry) for entry in documents] or [now()]
    task = TaskResult(
        new_id(),
        "",
        "",
        "Task loaded from a file.",
        "",
        [],
        "finished",
        min(moments),
        max(moments),
    )
    iterations: dict[str, list[Iteration]] = {}
    for entry, moment in zip(documents, moments, strict=False):
        key = entry["key"]
        subtask = SubtaskResult(new_id(), task.uuid, key["name"], "", "finished", moment, moment)
        runner = dict(key["kw"].get("runner", {"type": "serial"}))
        kind = runner.pop("type", "serial")
        data = [_to_iteration(i) for i in entry["result"]]
        args = key["kw"].get("args", {})
        w = _imported(subtask, key["name"], args, kind, runner, data, entry["sla"], key["pos"])
        w.contexts = key["kw"].get("context", {})
        w.sla = key["kw"].get("sla", {})
        w.hooks = [kept_old_hook(hook) for hook in key["kw"].get("hooks", ())]
        w.full_duration = float(entry.get("full_duration", 0.0))
        iterations[w.uuid] = data
        subtask.workloads.append(w)
        task.subtasks.append(subtask)
        task.pass_sla = task.pass_sla and w.pass_sla
    return Results(task, lambda uuid: iter(iterations[uuid]))


def _began(entry: Mapping[str, Any]) -> str:
    """When a workload of the old form ran. Its iterations say so; `created_at` has the day before
    the month in files that Rally wrote."""
    starts = [float(i["timestamp"]) for i in entry["result"]]
    if starts:
        return moment_of(min(starts))
    for form in ("%Y-%d-%mT%H:%M:%S", FORM):
        with contextlib.suppress(ValueError):
            given = str(entry.get("created_at", ""))[:19]
            return datetime.datetime.strptime(given, form).strftime(FORM)
    return now()


def _imported(
    subtask: SubtaskResult,
    name: str,
    args: dict[str, Any],
    runner_type: str,
    runner: dict[str, Any],
    data: list[Iteration],
    verdicts: list[Any],
    position: int,
) -> WorkloadResult:
    """A workload whose figures are made again from its iterations."""
    figures = Statistics()
    for iteration in data:
        figures.add(iteration)
    sla = [SlaResult(v["criterion"], v["success"], v["detail"]) for v in verdicts]
    return WorkloadResult(
        uuid=new_id(),
        subtask_uuid=subtask.uuid,
        task_uuid=subtask.task_uuid,
        name=name,
        description="",
        position=position,
        args=args,
        runner_type=runner_type,
        runner=runner,
        contexts={},
        sla={},
        hooks=[],
        created_at=subtask.created_at,
        updated_at=subtask.updated_at,
        start_time=figures.first if figures.iterations else None,
        load_duration=figures.load_duration,
        pass_sla=all(v.success for v in sla),
        sla_results=sla,
        statistics=figures.document(),
        total_iteration_count=figures.iterations,
        failed_iteration_count=figures.failed,
    )


def _to_iteration(i: Mapping[str, Any]) -> Iteration:
    actions = i.get("atomic_actions", [])
    if isinstance(actions, dict):
        began = float(i["timestamp"])
        made = []
        for name, spent in actions.items():
            made.append(Action(name, began, began + (spent or 0.0)))
            began += spent or 0.0
        actions = made
    else:
        actions = msgspec.convert(actions, list[Action], strict=False)
    for value in (float(i["timestamp"]), float(i["duration"]), *(a.duration for a in actions)):
        # Not NaN either. Moments are seconds since 1970, before the year 9999.
        if not abs(value) < 2.5e11:
            raise ValueError(f"{value:g} is no moment and no duration")
    return Iteration(
        timestamp=float(i["timestamp"]),
        duration=float(i["duration"]),
        idle_duration=float(i.get("idle_duration", 0.0)),
        error=[str(part) for part in i.get("error") or ()],
        output={k: list(v) for k, v in (i.get("output") or {}).items()},
        atomic_actions=actions,
        delay=float(i.get("delay", 0.0)),
    )
