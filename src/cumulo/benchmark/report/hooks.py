"""Hooks and what came of them, back from files of results."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.benchmark.model.result import HookResult


class _Trigger(msgspec.Struct):
    event_type: str
    value: float | int | str


class _Charts(msgspec.Struct):
    additive: list[dict[str, Any]] = []
    complete: list[dict[str, Any]] = []


class _HookRun(msgspec.Struct):
    status: str
    started_at: float
    triggered_by: _Trigger
    finished_at: float = 0.0
    error: dict[str, Any] = {}
    output: _Charts | None = None


def read_hooks(given: Any) -> list[HookResult]:
    """Raises ValidationError, ValueError for what no report could show."""
    found = msgspec.convert(given, list[HookResult])
    for hook in found:
        kept_hook(hook.config)
        msgspec.convert(hook.results, list[_HookRun])
    return found


def kept_hook(config: Mapping[str, Any]) -> dict[str, Any]:
    """A hook's configuration as it is kept with a workload."""
    ((action, what),) = config["action"].items()
    ((trigger, when),) = config["trigger"].items()
    return {
        "action": [action, what],
        "trigger": [trigger, when],
        "description": str(config.get("description") or ""),
    }


def kept_old_hook(hook: Mapping[str, Any]) -> dict[str, Any]:
    """The same of files from before Rally 0.10."""
    trigger = hook["trigger"]
    return {
        "action": [hook["name"], hook["args"]],
        "trigger": [trigger["name"], trigger["args"]],
        "description": str(hook.get("description") or ""),
    }
