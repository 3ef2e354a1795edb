"""All formats by name, and where results come from: the database or a file."""

import contextlib
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
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
from cumulo.benchmark.report.hooks import kept_hook, kept_old_hook, read_hooks
from cumulo.benchmark.report.markup import attribute, words
from cumulo.core.ids import new_id

FORMAT = "1.2"
FILE_BYTES = 1024 * 1024 * 1024


class Unreadable(Exception):
    """This is no file of results, or no format that is known; the text says why."""


class Results(msgspec.Struct):
    """A task with its iterations, wherever they are."""

    task: TaskResult
    read: Callable[[str], Iterator[Iteration]]
    """A workload's iterations by its id."""


def make(kind: str, tasks: list[Results]) -> str:
    """A report. Raises Unreadable for formats that are not known."""
    makers: Mapping[str, Callable[[list[Results]], str]] = {
        "json": _json,
        "html": _html,
        "html-static": _html,
        "trends-html": _trends,
        "trends-html-static": _trends,
        "junit-xml": _junit,
        "old-json-results": _old,
    }
    if kind not in makers:
        raise Unreadable(
            f"There is no TaskExporter plugin `{kind}`; there are: {', '.join(sorted(makers))}"
        )
    return makers[kind](tasks)


def _html(tasks: list[Results]) -> str:
    from cumulo.benchmark.report.page import page

    return page(tasks)


def _trends(tasks: list[Results]) -> str:
    from cumulo.benchmark.report.trends import page

    return page(tasks)


# JSON


def _json(tasks: list[Results]) -> str:
    from cumulo import __version__

    document = {
        "info": {
            "rally_version": __version__,
            "generated_at": now(),
            "format_version": FORMAT,
        },
        "tasks": [_task(each) for each in tasks],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=4).decode()


def _task(found: Results) -> dict[str, Any]:
    task = found.task
    return {
        "uuid": task.uuid,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "tags": task.tags,
        "env_uuid": task.env_uuid,
        "env_name": task.env_name,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "pass_sla": task.passed,
        "subtasks": [
            {
                "uuid": subtask.uuid,
                "title": subtask.title,
                "description": subtask.description,
                "status": subtask.status,
                "created_at": subtask.created_at,
                "updated_at": subtask.updated_at,
                "sla": {},
                "workloads": [_workload(w, found) for w in subtask.workloads],
            }
            for subtask in task.subtasks
        ],
    }


def _workload(w: WorkloadResult, found: Results) -> dict[str, Any]:
    total = w.statistics.get("durations", {}).get("total", {}).get("data", {})
    return {
        "uuid": w.uuid,
        "description": w.description,
        "runner": {w.runner_type: w.runner},
        "hooks": w.hooks_results,
        "scenario": {w.name: w.args},
        "min_duration": total.get("min"),
        "max_duration": total.get("max"),
        "start_time": w.start_time,
        "load_duration": w.load_duration,
        "full_duration": w.full_duration,
        "statistics": w.statistics,
        "data": [_iteration(i) for i in _by_start(found, w.uuid)],
        "failed_iteration_count": w.failed_iteration_count,
        "total_iteration_count": w.total_iteration_count,
        "created_at": w.created_at,
        "updated_at": w.updated_at,
        "contexts": w.contexts,
        "contexts_results": w.contexts_results,
        "position": w.position,
        "pass_sla": w.pass_sla,
        "sla_results": {"sla": w.sla_results},
        "sla": w.sla,
        "cpu": w.cpu,
    }


def _by_start(found: Results, uuid: str) -> list[Iteration]:
    """In the order in which they began; they are kept in that in which they ended."""
    return sorted(found.read(uuid), key=lambda i: i.timestamp)


def _iteration(i: Iteration) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(i)
    document["output"] = {
        "additive": i.output.get("additive", []),
        "complete": i.output.get("complete", []),
    }
    return document


# the format before Rally 0.10


def _old(tasks: list[Results]) -> str:
    if len(tasks) != 1:
        raise Unreadable("'old-json-results' task exporter can be used only for a one task.")
    found = tasks[0]
    documents: list[dict[str, Any]] = []
    for subtask in found.task.subtasks:
        for w in subtask.workloads:
            hooks = [_old_hook(h.config) for h in w.hooks_results]
            documents.append(
                {
                    "key": {
                        "name": w.name,
                        "description": w.description,
                        "pos": w.position,
                        "kw": {
                            "args": w.args,
                            "runner": {**w.runner, "type": w.runner_type},
                            "context": w.contexts,
                            "sla": w.sla,
                            "hooks": hooks,
                        },
                    },
                    "result": [
                        _iteration(i) | {"atomic_actions": _flat(i.atomic_actions)}
                        for i in _by_start(found, w.uuid)
                    ],
                    "sla": w.sla_results,
                    "hooks": w.hooks_results,
                    "load_duration": w.load_duration,
                    "full_duration": w.full_duration,
                    "created_at": w.created_at,
                }
            )
    return msgspec.json.format(msgspec.json.encode(documents), indent=4).decode()


def _old_hook(config: Mapping[str, Any]) -> dict[str, Any]:
    ((name, args),) = config["action"].items()
    ((trigger, when),) = config["trigger"].items()
    return {"name": name, "args": args, "trigger": {"name": trigger, "args": when}}


def _flat(actions: list[Action]) -> dict[str, float]:
    """Durations by name; the second of a name is called `name (2)`."""
    found: dict[str, float] = {}
    for action in actions:
        name, number = action.name, 1
        while name in found:
            number += 1
            name = f"{action.name} ({number})"
        found[name] = action.duration
    return found


# JUnit


def _junit(tasks: list[Results]) -> str:
    """A test suite for each task, a test case for each workload: several tasks stay apart."""
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<testsuites>"]
    for found in tasks:
        task = found.task
        workloads = [w for s in task.subtasks for w in s.workloads]
        broken = task.status not in FINISHED
        ended = [w for w in workloads if w.pass_sla or w.sla_results or not broken]
        failed = sum(not w.pass_sla for w in ended)
        spent = _seconds(task.created_at, task.updated_at)
        lines.append(
            f"  <testsuite id={attribute(task.uuid)} name={attribute(task.title)} "
            f'errors="{int(broken)}" failures="{failed}" skipped="0" '
            f'tests="{len(ended) + broken}" time="{spent:.2f}" '
            f"timestamp={attribute(task.created_at)}>"
        )
        if broken:
            # Whatever it had done by then: who looks at this file alone must see that.
            problem = str(task.validation_result.get("msg", ""))
            lines += [
                f'    <testcase classname="rally" name={attribute(task.title)} '
                f'id={attribute(task.uuid)} time="0.00" timestamp={attribute(task.created_at)}>',
                f"      <error message={attribute(f'the task is {task.status}')}>"
                f"{words(problem)}</error>",
                "    </testcase>",
            ]
        for w in ended:
            group, _, name = w.name.partition(".")
            case = (
                f"    <testcase classname={attribute(group)} name={attribute(name)} "
                f'id={attribute(w.uuid)} time="{w.full_duration:.2f}" '
                f"timestamp={attribute(w.created_at)}"
            )
            if w.pass_sla:
                lines.append(f"{case} />")
                continue
            missed = "\n".join(r.detail for r in w.sla_results if not r.success)
            lines += [
                f"{case}>",
                f"      <failure>{words(missed)}</failure>",
                "    </testcase>",
            ]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _seconds(first: str, last: str) -> float:
    try:
        parse = datetime.datetime.strptime
        return (parse(last, FORM) - parse(first, FORM)).total_seconds()
    except ValueError:
        return 0.0


# back from a file


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
