"""When iterations begin: the shapes of load.

`constant`, `constant_for_duration` and `serial` are closed loops: the next iteration begins when
one has ended. `rps` begins them at a rate, whatever happens to them, up to `max_concurrency`.
`poisson`, ours, is an open loop as the world is: arrivals at random with a mean rate, and an
iteration's duration counts from the moment at which it was due, so that what waits is seen.

Times are the load's clock's: tests turn it themselves.
"""

import asyncio
import itertools
import random
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from cumulo.benchmark.model.shapes import Schema, problems

MOST_ITERATIONS = 10_000_000
MOST_AT_ONCE = 20_000


class Startable(Protocol):
    """What a runner needs of a load."""

    stopping: bool

    def clock(self) -> float: ...

    async def iterate(self, index: int, due: float | None = None) -> None: ...

    async def pause(self, seconds: float) -> None: ...


Runner = Callable[[Startable, Mapping[str, Any]], Awaitable[None]]

_TIMES = {"type": "integer", "minimum": 1, "maximum": MOST_ITERATIONS}
_AT_ONCE = {"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE}
_SECONDS = {"type": "number", "minimum": 0}
_PROCESSES = {"type": "integer", "minimum": 1}
_RAMP = {
    "type": "object",
    "properties": {
        "start": {"type": "number", "minimum": 1},
        "end": {"type": "number", "minimum": 1},
        "step": {"type": "number", "minimum": 1},
        "duration": {"type": "number", "minimum": 1},
    },
    "required": ["start", "end", "step"],
    "additionalProperties": False,
}

SCHEMAS: Mapping[str, Schema] = {
    "constant": {
        "type": "object",
        "properties": {
            "concurrency": _AT_ONCE,
            "times": _TIMES,
            "timeout": {"type": "number", "minimum": 0},
            "max_cpu_count": _PROCESSES,
        },
        "additionalProperties": False,
    },
    "constant_for_duration": {
        "type": "object",
        "properties": {
            "concurrency": _AT_ONCE,
            "duration": _SECONDS,
            "timeout": {"type": "number", "minimum": 0},
            "max_cpu_count": _PROCESSES,
        },
        "required": ["duration"],
        "additionalProperties": False,
    },
    "serial": {
        "type": "object",
        "properties": {"times": _TIMES},
        "additionalProperties": True,
    },
    "rps": {
        "type": "object",
        "properties": {
            "times": _TIMES,
            "rps": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _RAMP]},
            "timeout": {"type": "number", "minimum": 0},
            "max_concurrency": _AT_ONCE,
            "max_cpu_count": _PROCESSES,
        },
        "required": ["times", "rps"],
        "additionalProperties": False,
    },
    "poisson": {
        "type": "object",
        "properties": {
            "rate": {"type": "number", "exclusiveMinimum": 0},
            "times": _TIMES,
            "duration": _SECONDS,
            "timeout": {"type": "number", "minimum": 0},
            "max_concurrency": _AT_ONCE,
            "max_cpu_count": _PROCESSES,
            "seed": {"type": "integer"},
        },
        "required": ["rate"],
        "additionalProperties": False,
    },
}

TITLES: Mapping[str, str] = {
    "constant": "So many iterations, so many of them at once",
    "constant_for_duration": "Iterations for a time, so many of them at once",
    "serial": "One iteration after the other",
    "rps": "Iterations begin at a rate, constant or rising in steps",
    "poisson": "Arrivals at random with a mean rate; durations count from when they were due",
}


def wrong(name: str, config: Mapping[str, Any]) -> list[str]:
    """What is wrong with a runner's configuration."""
    if name not in SCHEMAS:
        return [f"There is no ScenarioRunner plugin `{name}` in any of default platform."]
    found = list(problems(dict(config), SCHEMAS[name]))
    if found:
        return found
    if name == "constant" and config.get("concurrency", 1) > config.get("times", 1):
        return [
            "Parameter 'concurrency' means a number of parallel executions of iterations. "
            "Parameter 'times' means total number of iteration executions. It is redundant (and "
            "restricted) to have number of parallel iterations bigger then total number of "
            "iterations."
        ]
    rps = config.get("rps")
    if isinstance(rps, dict) and rps["end"] < rps["start"]:
        return ["rps end value must not be less than rps start value."]
    if name == "poisson" and not {"times", "duration"} & set(config):
        return ["poisson needs 'times' or 'duration'"]
    return []


def expected(name: str, config: Mapping[str, Any]) -> int | None:
    """How many iterations there will be; None if only time tells."""
    if name == "constant_for_duration":
        return None
    times = config.get("times")
    if times is None:
        return None if name == "poisson" else 1
    return int(times)


def filled(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """With what is meant where the file says nothing: it is shared like all else."""
    meant: Mapping[str, dict[str, Any]] = {
        "constant": {"times": 1, "concurrency": 1},
        # What hangs would make a load of a minute last for hours.
        "constant_for_duration": {"concurrency": 1, "timeout": 600},
        "serial": {"times": 1},
    }
    return {**meant.get(name, {}), **config}


def share(name: str, config: Mapping[str, Any], index: int, processes: int) -> dict[str, Any]:
    """What one of several processes has to do: iterations, their concurrency and rate divided."""
    mine = filled(name, config)
    for key in ("times", "concurrency", "max_concurrency"):
        if key in mine:
            mine[key] = mine[key] // processes + (index < mine[key] % processes)
    if "rate" in mine:
        mine["rate"] /= processes
        # Without a seed each run is another one, and each process of it.
        mine["seed"] = mine["seed"] + index if "seed" in mine else secrets.randbelow(2**31)
    if "rps" in mine:
        # One after the other, not all at once.
        mine["share"] = index / processes
    if isinstance(mine.get("rps"), dict):
        mine["rps"] = {k: v if k == "duration" else v / processes for k, v in mine["rps"].items()}
        mine["rps"].setdefault("duration", 1)
    elif "rps" in mine:
        mine["rps"] /= processes
    return mine


async def run(name: str, load: Startable, config: Mapping[str, Any]) -> None:
    await _RUNNERS[name](load, config)


async def _workers(load: Startable, numbers: Iterator[int], concurrency: int) -> None:
    """So many at once, each taking the next number when it has done one."""

    async def work() -> None:
        for number in numbers:
            if load.stopping:
                return
            await load.iterate(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())


async def _constant(load: Startable, config: Mapping[str, Any]) -> None:
    times = config.get("times", 1)
    await _workers(load, iter(range(times)), min(config.get("concurrency", 1), times))


async def _constant_for_duration(load: Startable, config: Mapping[str, Any]) -> None:
    """With a duration of 0 there is one iteration, as in Rally."""
    clock = load.clock
    end = clock() + config["duration"]

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            if number > 0 and clock() >= end:
                return
            yield number

    await _workers(load, numbers(), config.get("concurrency", 1))


async def _serial(load: Startable, config: Mapping[str, Any]) -> None:
    for number in range(config.get("times", 1)):
        if load.stopping:
            return
        await load.iterate(number)


async def _rps(load: Startable, config: Mapping[str, Any]) -> None:
    rate = config["rps"]

    def at(elapsed: float) -> float:
        if not isinstance(rate, dict):
            return float(rate)
        steps = int(elapsed / rate.get("duration", 1))
        return float(min(rate["end"], rate["start"] + rate["step"] * steps))

    def due() -> Iterator[float]:
        moment = config.get("share", 0.0) / at(0.0)
        for _ in range(config["times"]):
            yield moment
            moment += 1.0 / at(moment)

    await _arrivals(load, due(), config.get("max_concurrency"), open_loop=False)


async def _poisson(load: Startable, config: Mapping[str, Any]) -> None:
    chance = random.Random(config.get("seed"))

    def due() -> Iterator[float]:
        moment = 0.0
        for _ in range(config.get("times", MOST_ITERATIONS)):
            moment += chance.expovariate(config["rate"])
            if moment > config.get("duration", float("inf")):
                return
            yield moment

    await _arrivals(load, due(), config.get("max_concurrency"), open_loop=True)


async def _arrivals(
    load: Startable, dues: Iterator[float], at_once: int | None, *, open_loop: bool
) -> None:
    """Begin an iteration at each moment (seconds from now), however the earlier ones fare."""
    clock = load.clock
    start = clock()
    room = asyncio.Semaphore(at_once or MOST_AT_ONCE)

    async def one(number: int, due: float) -> None:
        try:
            await load.iterate(number, due if open_loop else None)
        finally:
            room.release()

    async with asyncio.TaskGroup() as group:
        for number, moment in enumerate(dues):
            await load.pause(start + moment - clock())
            await room.acquire()
            if load.stopping:
                return
            group.create_task(one(number, start + moment))


_RUNNERS: Mapping[str, Runner] = {
    "constant": _constant,
    "constant_for_duration": _constant_for_duration,
    "serial": _serial,
    "rps": _rps,
    "poisson": _poisson,
}
