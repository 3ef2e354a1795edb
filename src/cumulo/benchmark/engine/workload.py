"""One workload from beginning to end: surroundings made, load run, surroundings taken away.

Whatever fails, what was made is taken away and a result is there: of failed contexts, too.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cumulo.benchmark import registry
from cumulo.benchmark.client.clouds import http_of, platform_of
from cumulo.benchmark.client.session import KINDS
from cumulo.benchmark.contexts import table
from cumulo.benchmark.engine import runners
from cumulo.benchmark.engine.hooks import Fault, Hooks, Shell
from cumulo.benchmark.engine.load import Load, describe
from cumulo.benchmark.engine.several import Crew, how_many, orders, taken
from cumulo.benchmark.engine.sla import Checker
from cumulo.benchmark.engine.statistics import Statistics
from cumulo.benchmark.engine.surroundings import Guests, Notes, Surroundings, Unnoted
from cumulo.benchmark.engine.telling import told
from cumulo.benchmark.finding import found_args
from cumulo.benchmark.model.result import HookResult, Iteration
from cumulo.benchmark.model.task import Workload
from cumulo.core.work.ending import to_its_end

CHUNK = 1000


@dataclass
class Outcome:
    """What a workload left in figures."""

    statistics: Statistics
    checker: Checker
    hooks: list[HookResult] = field(default_factory=list)
    contexts: list[dict[str, Any]] = field(default_factory=list)
    full_duration: float = 0.0
    generator_cpu: float = 0.0
    server_cpu: float | None = None
    interrupted: bool = False
    """Whether something was ended in its middle: a cloud may make what nobody waits for."""


@dataclass
class Means:
    """What a run is given from outside."""

    save: Callable[[list[Iteration]], None]
    """Keeps a chunk of iterations, at most CHUNK of them."""
    progress: Callable[[Statistics], None] = lambda statistics: None
    making: Callable[[str], None] = lambda title: None
    """Is told what is being made before the load."""
    still: Callable[[str], None] = lambda words: None
    """Is told now and then what takes long after it."""
    shell: Shell | None = None
    fault: Fault | None = None
    server_cpu: Callable[[], tuple[str, float] | None] = lambda: None
    """The measured cloud's process and the seconds of CPU that it has used, if it is on this
    machine."""
    abort_on_sla: bool = False
    crew: Crew | None = None
    """Runs the load in several processes; without it there is this one."""
    processes: int = 1
    guests: Guests | None = None
    notes: Notes = field(default_factory=Unnoted)
    """Keeps what no name tells."""
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """How long steps wait, where it is not as usual."""


class GivenUp(Exception):
    """Whoever runs it does not want to wait."""


async def _of(work: "asyncio.Future[None]") -> None:
    await work


class Execution:
    """A workload in work. `stop` ends it softly: running iterations end, no further one begins."""

    def __init__(
        self, workload: Workload, task_uuid: str, spec: Mapping[str, Any], means: Means
    ) -> None:
        self._workload = workload
        self._means = means
        self._scenario = registry.find(workload.name)
        platform = platform_of(spec)
        self._http = http_of(platform)
        self.environment = Surroundings(
            task_uuid,
            self._http,
            platform,
            router=self._scenario.router
            or any(table.find(name).router for name in workload.contexts),
            guests=means.guests,
            notes=means.notes,
            timeouts=means.timeouts,
        )
        self.outcome = Outcome(Statistics(), Checker(workload.sla))
        self._hooks = Hooks(workload.hooks, means.shell, means.fault)
        self._pending: list[Iteration] = []
        self._load: Load | None = None
        self._crew: Crew | None = None
        self._stopped = False
        self._given_up = False
        self._cleaning: asyncio.Future[None] | None = None
        self._made: list[tuple[table.Context, Any]] = []

    def stop(self, *, manually: bool = True) -> None:
        self._stopped = True
        if manually:
            self.outcome.checker.aborted_manually = True
        if self._load is not None:
            self._load.stop()
        if self._crew is not None:
            self._crew.stop()

    def give_up(self) -> None:
        """Take nothing more away."""
        self._given_up = True
        if self._cleaning is not None:
            self._cleaning.cancel()

    async def run(self) -> Outcome:
        """Never raises for what the cloud does; a cancellation still cleans up."""
        began = time.monotonic()
        try:
            if await self._setup():
                await self._run_load()
        except asyncio.CancelledError:
            self.outcome.checker.aborted_manually = True
            self.outcome.interrupted = True
        except Exception as failure:
            # Of a look-up, of a process: what was measured before is kept, and the rest goes on.
            kind, words, _ = describe(failure)
            self.outcome.checker.unexpected = f"{kind}: {words}"
        finally:
            await self._cleanup()
            self._flush()
            self.environment.close()
        self.outcome.full_duration = time.monotonic() - began
        self.outcome.hooks = self._hooks.results
        return self.outcome

    # surroundings

    async def _setup(self) -> bool:
        if self._scenario.services:
            # A clean-up that comes later must not take it for nothing if one of them is away.
            used = {KINDS.get(name, name): "" for name in self._scenario.services}
            self.environment.note("services", "", "", used)
        for context, config in self.contexts():
            if self._stopped:
                return False
            done: dict[str, Any] = {
                "plugin_name": context.name,
                "plugin_cfg": config,
                "setup": {"started_at": time.time(), "error": None},
                "cleanup": {"started_at": None, "finished_at": None, "error": None},
            }
            self.outcome.contexts.append(done)
            self._made.append((context, config))
            try:
                self._means.making(context.title)
                await context.setup(self.environment, config)
            except asyncio.CancelledError as failure:
                done["setup"]["error"] = _error(failure)
                raise
            except Exception as failure:
                done["setup"]["error"] = _error(failure)
                self.outcome.checker.unexpected = (
                    f"Unable to setup context '{context.name}': '{failure}'"
                )
                return False
            finally:
                done["setup"]["finished_at"] = time.time()
        return True

    def contexts(self) -> list[tuple[table.Context, Any]]:
        """The task's contexts and the scenario's, in order, with their configuration."""
        wanted: dict[str, Any] = {}
        if self._scenario.platform:
            wanted["users"] = {}
            if self._scenario.cleanup:
                wanted["cleanup"] = list(self._scenario.cleanup)
            if self._scenario.admin_cleanup:
                wanted["admin_cleanup"] = list(self._scenario.admin_cleanup)
        wanted |= self._scenario.brings
        for name in self._workload.contexts:
            wanted |= table.find(name).brings
        for name, config in self._workload.contexts.items():
            wanted[name.partition("@")[0]] = config
        known = [(table.find(name), config) for name, config in wanted.items()]
        return [
            (context, context.filled(config))
            for context, config in sorted(known, key=lambda pair: pair[0].order)
        ]

    async def _cleanup(self) -> None:
        """Backwards through what was made, whatever of it fails. Not to be interrupted: what is
        left then would have to be found by its name."""
        by_name = {done["plugin_name"]: done for done in self.outcome.contexts}
        for context, config in reversed(self._made):
            done = by_name[context.name]["cleanup"]
            done["started_at"] = time.time()
            try:
                if self._given_up:
                    raise GivenUp("The run was ended before this was taken away.")
                self._cleaning = asyncio.ensure_future(context.cleanup(self.environment, config))
                what = f"still taking away: {context.title}"
                async with told(self._means.still, partial(str, what)):
                    await to_its_end(_of(self._cleaning))
            except (Exception, asyncio.CancelledError) as failure:
                done["error"] = _error(failure)
                self.environment.left = True
            done["finished_at"] = time.time()
        self._made.clear()

    # load

    async def _run_load(self) -> None:
        args = await found_args(self._scenario, self._workload.args, self.environment)
        config = self._workload.runner
        if self._scenario.services:
            await self.environment.log_in(runners.expected(self._workload.runner_type, config))
        # Of a load that goes elsewhere, or nowhere, the cloud's figure would say nothing.
        measured = self._scenario.platform
        server = self._means.server_cpu() if measured else None
        ticker = asyncio.create_task(self._tick())
        wanted = config.get("max_cpu_count", self._means.processes)
        processes = how_many(self._workload, min(wanted, self._means.processes))
        try:
            if processes > 1 and self._means.crew is not None:
                await self._several(self._means.crew, processes, args)
            else:
                await self._alone(args)
        except BaseExceptionGroup as failures:
            if failures.subgroup(asyncio.CancelledError):
                raise asyncio.CancelledError from None
            raise failures.exceptions[0] from None
        finally:
            ticker.cancel()
            with suppress(asyncio.CancelledError):
                await ticker
            after = self._means.server_cpu() if measured else None
            if server is not None and after is not None and after[0] == server[0]:
                # Of one process: another one was started in mid-run otherwise.
                self.outcome.server_cpu = after[1] - server[1]
            await self._hooks.finish()

    async def _alone(self, args: dict[str, Any]) -> None:
        """The load in this process."""
        config = runners.filled(self._workload.runner_type, self._workload.runner)
        self._load = Load(
            self._scenario,
            args,
            self.environment,
            self._result,
            on_start=self._start,
            timeout=config.get("timeout") or None,
        )
        if self._stopped:
            self._load.stop()
        own = time.process_time()
        try:
            await runners.run(self._workload.runner_type, self._load, config)
        finally:
            self.outcome.generator_cpu = time.process_time() - own

    async def _several(self, crew: Crew, processes: int, args: dict[str, Any]) -> None:
        """The load in several processes, whose results come here."""
        self._crew = crew
        own = time.process_time()
        documents = orders(self._workload, args, self.environment, processes)
        if self._stopped:
            return
        try:
            await crew.run(documents, self._batch)
        finally:
            self._crew = None
            self.outcome.generator_cpu += time.process_time() - own

    def _batch(self, packed: bytes) -> None:
        """Iterations of another process; the last ones with the CPU that it used."""
        batch = taken(packed)
        self.outcome.generator_cpu += batch.cpu
        if batch.problem:
            self.outcome.checker.unexpected = batch.problem
        for iteration in batch.iterations:
            # Here an iteration is known when it has ended, not when it begins.
            self._hooks.iteration(self.outcome.statistics.iterations + 1)
            self._result(iteration)

    def _start(self, number: int) -> None:
        self._hooks.iteration(number + 1)

    def _result(self, iteration: Iteration) -> None:
        self.outcome.statistics.add(iteration)
        fine = self.outcome.checker.add(iteration)
        self._pending.append(iteration)
        if len(self._pending) >= CHUNK:
            self._flush()
        if not fine and self._means.abort_on_sla and not self._stopped:
            self.outcome.checker.aborted_on_sla = True
            self.stop(manually=False)

    def _flush(self) -> None:
        if self._pending:
            self._means.save(self._pending)
            self._pending = []

    async def _tick(self) -> None:
        """What has been measured is kept every second: a kill loses no more than that."""
        while True:
            await asyncio.sleep(1.0)
            self._flush()
            self._means.progress(self.outcome.statistics)


def _error(failure: BaseException) -> dict[str, str]:
    kind, words, trace = describe(failure)
    return {"etype": kind, "msg": words, "trace": trace}
