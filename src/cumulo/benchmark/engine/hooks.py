"""Something done in mid-run: a command at iteration 100, a fault after ten seconds.

A trigger says when (`event`: at these iterations or seconds; `periodic`: every so many), an action
says what. Actions run beside the load; their results stand in the report.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from cumulo.benchmark.engine.load import describe
from cumulo.benchmark.model.charts import fits
from cumulo.benchmark.model.result import HookResult
from cumulo.benchmark.model.shapes import Schema, problems
from cumulo.benchmark.model.task import Hook

MOST_RUNS = 10_000
LONGEST = 3600.0
"""Seconds after the load's end that hooks are waited for."""
ENDING = 60.0
SHOWN = 10_000
"""Characters of a command's output that a report shows; charts may be longer."""


class Shell(Protocol):
    """What runs commands: (status, output, errors)."""

    async def run(self, line: str) -> tuple[int, str, str]: ...


_AT = {"type": "array", "minItems": 1, "uniqueItems": True}
_EVENT: Schema = {
    "type": "object",
    "properties": {
        "unit": {"enum": ["time", "iteration"]},
        "at": {**_AT, "items": {"type": "integer", "minimum": 0}},
    },
    "required": ["unit", "at"],
    "additionalProperties": False,
}
_PERIODIC: Schema = {
    "type": "object",
    "properties": {
        "unit": {"enum": ["time", "iteration"]},
        "start": {"type": "integer", "minimum": 0},
        "end": {"type": "integer", "minimum": 1},
        "step": {"type": "integer", "minimum": 1},
    },
    "required": ["unit", "step"],
    "additionalProperties": False,
}
TRIGGERS: Mapping[str, Schema] = {"event": _EVENT, "periodic": _PERIODIC}

_FAULT: Schema = {
    "type": "object",
    "properties": {"action": {"type": "string"}, "verify": {"type": "boolean"}},
    "required": ["action"],
    "additionalProperties": False,
}
ACTIONS: Mapping[str, Schema] = {"sys_call": {"type": "string"}, "fault_injection": _FAULT}

FAULTS = re.compile(r"(kill|freeze) control plane(?: for (\d+(?:\.\d+)?) seconds?)?")
KNOWN_FAULTS = "kill control plane [for N seconds], freeze control plane [for N seconds]"

TITLES: Mapping[str, str] = {
    "sys_call": "Run a command",
    "fault_injection": "Do harm to the cloud that is measured: kill control plane",
    "event": "At these iterations or seconds",
    "periodic": "Every so many iterations or seconds",
}

Fault = Callable[[str], Awaitable[str]]
"""Does what `fault_injection` names; returns what it did. Raises for what it does not know."""


def wrong(hook: Hook) -> list[str]:
    """What is wrong with a hook's configuration."""
    action, trigger = hook.action[0].partition("@")[0], hook.trigger[0].partition("@")[0]
    if action not in ACTIONS:
        return [f"There is no HookAction plugin `{action}` in any of default, openstack platform."]
    if trigger not in TRIGGERS:
        return [f"There is no HookTrigger plugin `{trigger}` in any of default platform."]
    found = [
        *problems(hook.action[1], ACTIONS[action]),
        *problems(hook.trigger[1], TRIGGERS[trigger]),
    ]
    config = hook.trigger[1]
    if not found and action == "fault_injection":
        words = str(hook.action[1]["action"]).strip()
        if FAULTS.fullmatch(words) is None:
            found = [f"{words!r:.200} is not known; known are: {KNOWN_FAULTS}"]
    if not found and config["unit"] == "iteration" and 0 in config.get("at", ()):
        found = ["0 is less than the minimum of 1 (at)"]
    return found


def due(trigger: tuple[str, Mapping[str, Any]], unit: str, value: int) -> bool:
    """Whether a trigger fires at this iteration (from 1) or second (from 0)."""
    name, config = trigger[0].partition("@")[0], trigger[1]
    if config["unit"] != unit:
        return False
    if name == "event":
        return value in config["at"]
    start = config.get("start", 0 if unit == "time" else 1)
    inside = start <= value <= config.get("end", float("inf"))
    return bool(inside and (value - start) % config["step"] == 0)


class Hooks:
    """All hooks of a workload while it runs."""

    def __init__(
        self,
        hooks: list[Hook],
        shell: Shell | None,
        fault: Fault | None,
        *,
        patience: float = LONGEST,
    ) -> None:
        self._patience = patience
        self._ended = ("Interrupted", "The run was ended", "")
        """What a hook says that did not come to its end."""
        self._hooks = hooks
        self._shell = shell
        self._fault = fault
        self._tasks: list[asyncio.Task[None]] = []
        self._timer: asyncio.Task[None] | None = None
        self.results = [
            HookResult(
                config={
                    "description": hook.description,
                    "action": {hook.action[0]: hook.action[1]},
                    "trigger": {hook.trigger[0]: hook.trigger[1]},
                },
                results=[],
                summary={},
            )
            for hook in hooks
        ]

    def iteration(self, number: int) -> None:
        """An iteration begins (from 1). The first one starts the clock of times."""
        if not self._hooks:
            return
        if self._timer is None and any(h.trigger[1]["unit"] == "time" for h in self._hooks):
            self._timer = asyncio.create_task(self._seconds())
        self._look("iteration", number)

    async def _seconds(self) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        second = 0
        while True:
            self._look("time", second)
            second += 1
            await asyncio.sleep(max(0.0, began + second - clock()))

    def _look(self, unit: str, value: int) -> None:
        for hook, result in zip(self._hooks, self.results, strict=True):
            if due(hook.trigger, unit, value) and len(self._tasks) < MOST_RUNS:
                started = {"event_type": unit, "value": value}
                self._tasks.append(asyncio.create_task(self._do(hook, result, started)))

    async def _do(self, hook: Hook, result: HookResult, triggered_by: dict[str, Any]) -> None:
        done: dict[str, Any] = {
            "status": "success",
            "started_at": time.time(),
            "triggered_by": triggered_by,
        }
        try:
            if hook.action[0].partition("@")[0] == "sys_call":
                await self._command(str(hook.action[1]), done)
            else:
                await self._harm(hook.action[1]["action"], done)
        except Exception as failure:
            _fail(done, *describe(failure))
        except asyncio.CancelledError:
            _fail(done, *self._ended)
        done["finished_at"] = time.time()
        result.results.append(done)
        result.summary[done["status"]] = result.summary.get(done["status"], 0) + 1

    async def _command(self, line: str, done: dict[str, Any]) -> None:
        if self._shell is None:
            _fail(done, "n/a", "Commands cannot be run here", "")
            return
        status, whole, errors = await self._shell.run(line)
        output, errors = whole[:SHOWN], errors[:SHOWN]
        if status:
            details = f"{errors}\nstdout: {output}".strip() if output else errors
            _fail(done, "n/a", f"Subprocess returned {status}", details)
        done["output"] = _charts(whole) or {
            "additive": [],
            "complete": [
                {
                    "title": "System call",
                    "chart_plugin": "TextArea",
                    "description": f"Args: {line}",
                    "data": [
                        f"RetCode: {status}",
                        f"StdOut: {output or '(empty)'}",
                        f"StdErr: {errors or '(empty)'}",
                    ],
                }
            ],
        }

    async def _harm(self, action: str, done: dict[str, Any]) -> None:
        if self._fault is None:
            _fail(done, "n/a", "Faults can only be injected into a cloud of this machine", action)
            return
        words = await self._fault(action)
        done["output"] = {
            "additive": [],
            "complete": [{"title": action, "chart_plugin": "TextArea", "data": [words]}],
        }

    async def finish(self) -> list[HookResult]:
        """Stop the clock, wait for what is in work."""
        if self._timer is not None:
            self._timer.cancel()
        if self._tasks:
            try:
                await asyncio.wait(self._tasks, timeout=self._patience)
                words = f"It took over {self._patience:g} s after the load's end"
                self._ended = ("Timeout", words, "")
            finally:
                # They say so themselves, and put back what they have done.
                late = {task for task in self._tasks if not task.done()}
                for task in late:
                    task.cancel()
                if late:
                    await asyncio.wait(late, timeout=ENDING)
        return self.results


def _fail(done: dict[str, Any], kind: str, words: str, details: str) -> None:
    done["status"] = "failed"
    done["error"] = {"etype": kind, "msg": words, "details": details}


def _charts(output: str) -> dict[str, Any] | None:
    """A command may print charts for the report as JSON."""
    try:
        found = msgspec.json.decode(output)
    except msgspec.DecodeError:
        return None
    if not isinstance(found, dict) or not {"additive", "complete"} & set(found):
        return None
    charts = {kind: found.get(kind, []) for kind in ("additive", "complete")}
    fine = all(
        isinstance(listed, list) and all(fits(kind, chart) for chart in listed)
        for kind, listed in charts.items()
    )
    return charts if fine else None
