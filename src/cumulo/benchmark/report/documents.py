"""Results as JSON documents: Rally's form of today, and the one before Rally 0.10.

A run may have ten million iterations: they are written one after the other, and never held all.
"""

import heapq
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from cumulo.benchmark.model.result import (
    Action,
    HookResult,
    Iteration,
    TaskResult,
    WorkloadResult,
)
from cumulo.benchmark.model.secrets import masked
from cumulo.benchmark.moments import now

FORMAT = "1.2"
WINDOW = 25_000
"""More iterations than can be in work at once."""


class Unreadable(Exception):
    """This is no file of results, or no format that is known; the text says why."""


class Results(msgspec.Struct):
    """A task with its iterations, wherever they are."""

    task: TaskResult
    read: Callable[[str], Iterator[Iteration]]
    """A workload's iterations by its id."""


Form = Callable[[Iteration], dict[str, Any]]


class _Pages:
    """A document that is laid out first, with a mark where a workload's iterations will stand."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(16)
        self._rows: list[tuple[Results, str, Form]] = []

    def rows(self, found: Results, uuid: str, form: Form) -> str:
        self._rows.append((found, uuid, form))
        return self._mark

    def pieces(self, document: object) -> Iterator[str]:
        text = msgspec.json.format(msgspec.json.encode(document), indent=4).decode()
        before, *after = text.split(f'"{self._mark}"')
        yield before
        for (found, uuid, form), rest in zip(self._rows, after, strict=True):
            yield "["
            separator = "\n"
            for iteration in _by_start(found.read(uuid)):
                yield separator + msgspec.json.encode(form(iteration)).decode()
                separator = ",\n"
            yield "]" + rest


def as_json(tasks: list[Results]) -> Iterator[str]:
    """Rally's form of today."""
    from cumulo import __version__

    pages = _Pages()
    document = {
        "info": {
            "rally_version": __version__,
            "generated_at": now(),
            "format_version": FORMAT,
        },
        "tasks": [_task(each, pages) for each in tasks],
    }
    yield from pages.pieces(document)


def _task(found: Results, pages: _Pages) -> dict[str, Any]:
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
                "workloads": [_workload(w, found, pages) for w in subtask.workloads],
            }
            for subtask in task.subtasks
        ],
    }


def _workload(w: WorkloadResult, found: Results, pages: _Pages) -> dict[str, Any]:
    total = w.statistics.get("durations", {}).get("total", {}).get("data", {})
    return {
        "uuid": w.uuid,
        "description": w.description,
        "runner": {w.runner_type: w.runner},
        "hooks": _hooks(w),
        "scenario": {w.name: masked(w.args)},
        "min_duration": total.get("min"),
        "max_duration": total.get("max"),
        "start_time": w.start_time,
        "load_duration": w.load_duration,
        "full_duration": w.full_duration,
        "statistics": w.statistics,
        "data": pages.rows(found, w.uuid, _iteration),
        "failed_iteration_count": w.failed_iteration_count,
        "total_iteration_count": w.total_iteration_count,
        "created_at": w.created_at,
        "updated_at": w.updated_at,
        "contexts": masked(w.contexts),
        "contexts_results": masked(w.contexts_results),
        "position": w.position,
        "pass_sla": w.pass_sla,
        "sla_results": {"sla": w.sla_results},
        "sla": w.sla,
        "cpu": w.cpu,
    }


def _hooks(w: WorkloadResult) -> list[HookResult]:
    return [msgspec.structs.replace(h, config=masked(h.config)) for h in w.hooks_results]


def _by_start(iterations: Iterator[Iteration]) -> Iterator[Iteration]:
    """In the order in which they began; they are kept in that in which they ended."""
    waiting: list[tuple[float, int, Iteration]] = []
    for number, iteration in enumerate(iterations):
        heapq.heappush(waiting, (iteration.timestamp, number, iteration))
        if len(waiting) > WINDOW:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _iteration(i: Iteration) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(i)
    document["output"] = {
        "additive": i.output.get("additive", []),
        "complete": i.output.get("complete", []),
    }
    return document


def as_old(tasks: list[Results]) -> Iterator[str]:
    """The form before Rally 0.10."""
    if len(tasks) != 1:
        raise Unreadable("'old-json-results' task exporter can be used only for a one task.")
    found = tasks[0]
    pages = _Pages()
    documents: list[dict[str, Any]] = []
    for subtask in found.task.subtasks:
        for w in subtask.workloads:
            hooks = [_old_hook(masked(h.config)) for h in w.hooks_results]
            documents.append(
                {
                    "key": {
                        "name": w.name,
                        "description": w.description,
                        "pos": w.position,
                        "kw": {
                            "args": masked(w.args),
                            "runner": {**w.runner, "type": w.runner_type},
                            "context": masked(w.contexts),
                            "sla": w.sla,
                            "hooks": hooks,
                        },
                    },
                    "result": pages.rows(found, w.uuid, _old_iteration),
                    "sla": w.sla_results,
                    "hooks": _hooks(w),
                    "load_duration": w.load_duration,
                    "full_duration": w.full_duration,
                    "created_at": w.created_at,
                }
            )
    yield from pages.pieces(documents)


def _old_iteration(i: Iteration) -> dict[str, Any]:
    return _iteration(i) | {"atomic_actions": _flat(i.atomic_actions)}


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
