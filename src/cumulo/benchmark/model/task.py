"""A task file, read: both formats that Rally has ever had become one.

Version 2 has `title` and `subtasks`, each with one `scenario` or with `workloads`. Version 1, the
old one, is a scenario's name with a list of workloads. Rally writes `contexts` in version 2 and
`context` in version 1. What is wrong is said in Rally's words: people search for them.
"""

from typing import Any

import msgspec

from cumulo.benchmark.model.shapes import Schema, problems

SUBTASKS = 1000
WORKLOADS = 1000
TITLE = 255
TAG = 255


class InvalidTask(Exception):
    """The task file says what cannot be done; the text says why."""


class Hook(msgspec.Struct):
    """Something to do in mid-run: `action` and `trigger` are each a name and its configuration."""

    action: tuple[str, Any]
    trigger: tuple[str, Any]
    description: str = ""


class Workload(msgspec.Struct):
    """One scenario with its arguments, its load, its surroundings and its criteria."""

    name: str
    args: dict[str, Any]
    position: int = 0
    """Where it stands in its subtask, from 0."""
    description: str = ""
    contexts: dict[str, Any] = {}
    runner_type: str = "serial"
    runner: dict[str, Any] = {}
    sla: dict[str, Any] = {}
    hooks: list[Hook] = []


class Subtask(msgspec.Struct):
    title: str
    workloads: list[Workload]
    description: str = ""
    tags: list[str] = []


class TaskConfig(msgspec.Struct):
    title: str
    subtasks: list[Subtask]
    description: str = ""
    tags: list[str] = []
    version: str = "2"


_ONE = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": {"type": "object"},
}
_HOOK = {
    "type": "object",
    "properties": {
        "action": {"type": "object", "minProperties": 1, "maxProperties": 1},
        "trigger": _ONE,
        "description": {"type": "string"},
    },
    "required": ["action", "trigger"],
    "additionalProperties": False,
}
_LOAD = {
    "scenario": _ONE,
    "runner": _ONE,
    "sla": {"type": "object"},
    "hooks": {"type": "array", "items": _HOOK},
    "contexts": {"type": "object"},
    "description": {"type": "string"},
}
_HEAD = {
    "title": {"type": "string", "maxLength": 128},
    "group": {"type": "string"},
    "description": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": TAG}},
}
_SIMPLE: Schema = {
    "type": "object",
    "properties": {**_LOAD, **_HEAD},
    "additionalProperties": False,
    "required": ["title", "scenario"],
}
_COMPLEX: Schema = {
    "type": "object",
    "properties": {
        **_HEAD,
        "run_in_parallel": {"type": "boolean"},
        "workloads": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": _LOAD,
                "additionalProperties": False,
                "required": ["scenario"],
            },
        },
    },
    "additionalProperties": False,
    "required": ["title", "workloads"],
}
_OLD_HOOK = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "args": {},
        "trigger": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "args": {}},
            "required": ["name", "args"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "args", "trigger"],
    "additionalProperties": False,
}
_OLD: Schema = {
    "type": "object",
    "additionalProperties": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "args": {"type": "object"},
                "description": {"type": "string"},
                "runner": {
                    "type": "object",
                    "properties": {"type": {"type": "string"}},
                    "required": ["type"],
                },
                "context": {"type": "object"},
                "sla": {"type": "object"},
                "hooks": {"type": "array", "items": _OLD_HOOK},
            },
            "additionalProperties": False,
        },
    },
}


def parse(document: object) -> TaskConfig:
    """A task out of a decoded file. Raises InvalidTask."""
    if document is None:
        raise InvalidTask("It is empty")
    if not isinstance(document, dict):
        raise InvalidTask("It is not a dict")
    version = str(document.get("version", 1))
    if version == "1":
        return _old(document)
    if version == "2":
        return _new(document)
    raise InvalidTask(
        f"Task configuration version {version} is not supported. Supported versions: 1, 2"
    )


def _old(document: dict[str, Any]) -> TaskConfig:
    _check(document, _OLD)
    subtasks = []
    for name, entries in document.items():
        workloads = [_workload_of_old(name, entry, n) for n, entry in enumerate(entries)]
        subtasks.append(Subtask(title=name, workloads=workloads))
    return _bounded(
        TaskConfig(title="Task (adopted from task format v1)", subtasks=subtasks, version="1")
    )


def _workload_of_old(name: str, entry: dict[str, Any], position: int) -> Workload:
    runner = dict(entry.get("runner") or {"type": "serial"})
    hooks = [
        Hook(
            action=(hook["name"], hook["args"]),
            trigger=(hook["trigger"]["name"], hook["trigger"]["args"]),
            description=hook.get("description") or "",
        )
        for hook in entry.get("hooks", ())
    ]
    return Workload(
        name=name,
        args=entry.get("args") or {},
        position=position,
        description=entry.get("description", ""),
        contexts=entry.get("context") or {},
        runner_type=runner.pop("type"),
        runner=runner,
        sla=entry.get("sla", {"failure_rate": {"max": 0}}),
        hooks=hooks,
    )


def _new(document: dict[str, Any]) -> TaskConfig:
    required = {"title", "version", "subtasks"}
    missing = sorted(required - set(document))
    if len(missing) > 1:
        listed = "', '".join(missing)
        raise InvalidTask(f"'{listed}' are required properties, but they are missed.")
    if missing:
        raise InvalidTask(f"'{missing[0]}' is a required property, but it is missed.")
    unknown = sorted(set(document) - required - {"description", "tags"})
    if unknown:
        were = "were" if len(unknown) > 1 else "was"
        listed = "', '".join(unknown)
        raise InvalidTask(f"Additional properties are not allowed ('{listed}' {were} unexpected).")
    _check_title(document["title"])
    _check_tags(document.get("tags", []))
    _check_description(document.get("description"))
    entries = document["subtasks"]
    if not isinstance(entries, list):
        kind = type(entries).__name__
        raise InvalidTask(f"Property 'subtasks' should be an array(list), but '{kind}' is found.")
    if not entries:
        raise InvalidTask("Property 'subtasks' cannot be empty.")
    subtasks = [_subtask(entry, number) for number, entry in enumerate(entries, 1)]
    return _bounded(
        TaskConfig(
            title=document["title"],
            subtasks=subtasks,
            description=document.get("description") or "",
            tags=document.get("tags", []),
        )
    )


def _subtask(entry: Any, number: int) -> Subtask:
    several = isinstance(entry, dict) and "workloads" in entry
    _check(entry, _COMPLEX if several else _SIMPLE, f"Subtask #{number}. ")
    entries = entry["workloads"] if several else [entry]
    workloads = [_workload(w, position) for position, w in enumerate(entries)]
    return Subtask(entry["title"], workloads, entry.get("description", ""), entry.get("tags", []))


def _workload(entry: dict[str, Any], position: int) -> Workload:
    ((name, args),) = entry["scenario"].items()
    ((runner_type, runner),) = entry.get("runner", {"serial": {}}).items()
    hooks = []
    for hook in entry.get("hooks", ()):
        ((action, what),) = hook["action"].items()
        ((trigger, when),) = hook["trigger"].items()
        hooks.append(Hook((action, what), (trigger, when), hook.get("description", "")))
    return Workload(
        name=name,
        args=dict(args),
        position=position,
        description=entry.get("description", ""),
        contexts=dict(entry.get("contexts", {})),
        runner_type=runner_type,
        runner=dict(runner),
        sla=entry.get("sla", {"failure_rate": {"max": 0}}),
        hooks=hooks,
    )


def _check(value: object, schema: Schema, before: str = "") -> None:
    for problem in problems(value, schema):
        raise InvalidTask(f"{before}{problem}")


def _check_description(description: object) -> None:
    if description is not None and not isinstance(description, str):
        kind = type(description).__name__
        raise InvalidTask(f"Description should be a string, but '{kind}' is found.")


def _check_title(title: object) -> None:
    if not isinstance(title, str):
        kind = type(title).__name__
        raise InvalidTask(f"Title should be a string, but '{kind}' is found.")
    if len(title) > TITLE:
        raise InvalidTask(
            "Title should not be longer then 254 char. Use 'description' field for longer text."
        )


def _check_tags(tags: object) -> None:
    if not isinstance(tags, list):
        kind = type(tags).__name__
        raise InvalidTask(f"Tags should be an array(list) of strings, but '{kind}' is found.")
    for tag in tags:
        if not isinstance(tag, str):
            kind = type(tag).__name__
            raise InvalidTask(f"Tag '{tag}' should be a string, but '{kind}' is found.")
        if len(tag) > TAG:
            raise InvalidTask(f"Tag '{tag}' should not be longer then 254 char.")


def _bounded(config: TaskConfig) -> TaskConfig:
    """No task is larger than a machine can hold in mind."""
    if len(config.subtasks) > SUBTASKS:
        raise InvalidTask(f"A task has at most {SUBTASKS} subtasks.")
    if sum(len(s.workloads) for s in config.subtasks) > WORKLOADS:
        raise InvalidTask(f"A task has at most {WORKLOADS} workloads.")
    return config


def to_document(config: TaskConfig) -> dict[str, Any]:
    """The task as a file of version 2."""
    return {
        "version": 2,
        "title": config.title,
        "description": config.description,
        "tags": config.tags,
        "subtasks": [
            {
                "title": subtask.title,
                "description": subtask.description,
                "tags": subtask.tags,
                "workloads": [workload_document(w) for w in subtask.workloads],
            }
            for subtask in config.subtasks
        ],
    }


def workload_document(workload: Workload) -> dict[str, Any]:
    return {
        "scenario": {workload.name: workload.args},
        "description": workload.description,
        "contexts": workload.contexts,
        "runner": {workload.runner_type: workload.runner},
        "sla": workload.sla,
        "hooks": [
            {
                "description": hook.description,
                "action": {hook.action[0]: hook.action[1]},
                "trigger": {hook.trigger[0]: hook.trigger[1]},
            }
            for hook in workload.hooks
        ],
    }
