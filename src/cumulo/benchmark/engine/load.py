"""Iterations with a stop-watch: what a runner starts, and where their results go."""

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.engine.surroundings import Surroundings
from cumulo.benchmark.model.result import Iteration
from cumulo.benchmark.registry import Scenario

TRACE = 4000

OnResult = Callable[[Iteration], None]
OnStart = Callable[[int], None]


class TimeoutException(Exception):
    """The iteration took longer than its runner allows."""


class Load:
    """A workload's iterations. A runner decides when which of them begins."""

    def __init__(
        self,
        scenario: Scenario,
        args: Mapping[str, Any],
        surroundings: Surroundings,
        on_result: OnResult,
        *,
        on_start: OnStart | None = None,
        timeout: float | None = None,
        first: int = 0,
        step: int = 1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`clock`: seconds, finely. The loop's own is not fine enough: uvloop's ticks in ms."""
        self._body = scenario.body
        self._args = args
        self._surroundings = surroundings
        self._on_result = on_result
        self._on_start = on_start
        self._timeout = timeout
        # A process of several does every `step`th iteration.
        self.clock = clock
        self._first = first
        self._step = step
        self.stopping = False
        """Set from outside: no further iteration begins."""
        self.wake = asyncio.Event()
        """Set together with `stopping`: ends a runner's sleep."""

    def stop(self) -> None:
        self.stopping = True
        self.wake.set()

    async def pause(self, seconds: float) -> None:
        """Sleep, at most until somebody stops the load."""
        if seconds <= 0 or self.stopping:
            return
        if seconds < 0.05:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def iterate(self, index: int, due: float | None = None) -> None:
        """One iteration. `due`: the clock's time at which it should have begun; its duration counts
        from then, so that a slow cloud cannot hide in the generator's own queue."""
        number = self._first + index * self._step
        run = Run(self._surroundings, number)
        if self._on_start is not None:
            self._on_start(number)
        wall = time.time()
        began = self.clock()
        delay = 0.0 if due is None else max(0.0, began - due)
        error: list[str] = []
        try:
            if self._timeout is None:
                await self._body(run, **self._arguments(run))
            else:
                await self._limited(run, self._timeout)
        except asyncio.CancelledError:
            error = ["Cancelled", "The run was ended in the middle of this iteration.", ""]
            raise
        except Exception as failure:
            error = describe(failure)
        finally:
            self._on_result(
                Iteration(
                    timestamp=wall - delay,
                    duration=max(0.0, self.clock() - began - run.idle) + delay,
                    idle_duration=run.idle,
                    error=error,
                    output=run.outputs,
                    atomic_actions=run.actions,
                    delay=delay,
                )
            )

    def _arguments(self, run: Run) -> Mapping[str, Any]:
        own = run.user and self._surroundings.tenants.get(run.user.tenant_id, {}).get("found")
        return {**self._args, **own} if own else self._args

    async def _limited(self, run: Run, seconds: float) -> None:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await self._body(run, **self._arguments(run))
        except TimeoutError:
            if limit.expired():
                raise TimeoutException(f"Timeout: the iteration took over {seconds:g} s") from None
            raise


def describe(failure: BaseException) -> list[str]:
    """An exception as reports have it: name, text, trace."""
    trace = "".join(traceback.format_exception(failure))
    return [type(failure).__name__, str(failure) or type(failure).__name__, trace[-TRACE:]]
