"""Reconcilers: loops that make the world equal to the rows.

A reconciler takes no input. Its work exists exactly while rows say so: `due` reads, in one
transaction, the ids of what is to be done now; `step` does one of them: read, idempotent effect,
compare-and-swap. A kill between effect and swap repeats the effect. Wake-ups make it quick, the
sweep makes it correct. A failed step is recorded by the reconciler's own `failed` (reason,
back-off) and logged once per change of its text.

A pass ends when all of its steps have ended, and the next one begins then. A reconciler whose steps
wait long for others says how many of them may be at work at once (`overlaps`): then what becomes
due is begun while they are. Never are two steps of one row at work at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.sim.points import reach
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.work")

BATCH = 100
HINT = "reconciler"
"""The first word of the hint that one of this name has work."""
MOST_COMPLAINTS = 1000
"""Texts of failures that are remembered, so that each is logged once."""


class Reconciler(Protocol):
    name: str

    def due(self, tx: Tx, most: int) -> list[str]:
        """Ids of rows whose time has come, the oldest first, `most` at the most."""

    # gained: a function, if it has that: told when this has become the process's work.

    # overlaps: int, if it has that: `due` gives rows that are at work, too, and leaves out those
    # that there is no place for; the end of each step is a reason to ask again.

    async def step(self, id: str) -> None:
        """Move one row a step on. Doing it twice is doing it once."""

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """Record why a step failed and when it is due again."""


def _always() -> bool:
    return True


class ReconcilerLoop:
    """Runs one reconciler: at each wake-up, and every `sweep` seconds, as long as it is this
    process's work (`mine`: see `core.nodes.leases`)."""

    def __init__(
        self,
        database: Database,
        reconciler: Reconciler,
        *,
        sweep: float = 5.0,
        parallel: int = 4,
        mine: Callable[[], bool] = _always,
    ) -> None:
        self.database = database
        self.reconciler = reconciler
        self.sweep = sweep
        self.wakeup = Wakeup()
        self.mine = mine
        self._steps: asyncio.Future[Any] | None = None
        self._overlaps: int = getattr(reconciler, "overlaps", 0)
        self._limit = asyncio.Semaphore(self._overlaps or parallel)
        self._at_work: dict[str, asyncio.Task[bool]] = {}
        """Steps of passes that overlap."""
        self._begun: dict[str, float] = {}
        self._dropped = False
        self._complaints: dict[str, str] = {}
        self.due = 0
        """Rows at the last pass."""
        self._passed_at = time.monotonic()

    def ring(self) -> None:
        """There may be work: here, or where it is done."""
        if self.mine():
            self.wakeup.ring()
        else:
            self.database.hint(f"{HINT} {self.reconciler.name}")

    def gained(self) -> None:
        """It is this process's work from now on."""
        told = getattr(self.reconciler, "gained", None)
        if told is not None:
            told()
        self.wakeup.ring()

    def drop(self) -> None:
        """It is not this process's work any more: what is at work stops."""
        if self._steps is not None:
            self._dropped = True
            self._steps.cancel()
        for task in self._at_work.values():
            task.cancel()

    async def run(self) -> None:
        """Until cancelled; a cancellation falls between transactions, never inside one."""
        try:
            while True:
                try:
                    one = self._begin if self._overlaps else self.once
                    more = self.mine() and await one()
                except Exception:  # the database is away: the next sweep finds the same work
                    log.exception("%s: the pass failed", self.reconciler.name)
                    more = False
                if not more:
                    await self.wakeup.wait(self.sweep)
        finally:
            for task in self._at_work.values():
                task.cancel()
            await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    async def _begin(self) -> bool:
        """Begin what is due and has a place, whatever else is at work."""
        places = self._overlaps - len(self._at_work)
        if places <= 0:
            return False  # the end of a step rings
        most = self._overlaps + len(self._at_work)
        ids = await self.database.read(lambda tx: self.reconciler.due(tx, most))
        if not self.mine():
            return False
        self._forget_complaints()
        self.due = len(ids)
        for id in [each for each in dict.fromkeys(ids) if each not in self._at_work][:places]:
            task = asyncio.create_task(self._step(id))
            self._at_work[id], self._begun[id] = task, time.monotonic()
            task.add_done_callback(partial(self._ended, id))
        self._passed_at = time.monotonic()
        return False

    def _ended(self, id: str, task: asyncio.Task[bool]) -> None:
        del self._at_work[id], self._begun[id]
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:  # the database is away: the next sweep finds the same work
            log.error("%s %s: not noted: %r", self.reconciler.name, id, error)
            return
        self.wakeup.ring()

    async def once(self) -> bool:
        """One pass over what is due; True when there may be more at once."""
        ids = await self.database.read(lambda tx: self.reconciler.due(tx, BATCH))
        if not self.mine():
            return False
        self._forget_complaints()
        self.due = len(ids)
        # All of them end before the next pass, whatever becomes of one.
        self._steps = asyncio.gather(*(self._step(id) for id in ids), return_exceptions=True)
        try:
            results = await self._steps
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._dropped or (task is not None and task.cancelling()):
                # The process ends, and its leases with it, which drops what is cancelled already.
                raise
            log.info("%s: given away", self.reconciler.name)
            return False
        finally:
            self._steps, self._dropped = None, False
            self._passed_at = time.monotonic()
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(ids) == BATCH and all(results)

    def _forget_complaints(self) -> None:
        if len(self._complaints) > MOST_COMPLAINTS:
            # Of rows that are gone, mostly: who still fails is told of once more.
            self._complaints.clear()

    @property
    def age(self) -> float:
        """Seconds since the last pass ended, or since the oldest step began if passes overlap."""
        return time.monotonic() - min([self._passed_at, *self._begun.values()])

    @property
    def failing(self) -> int:
        """Rows whose last step failed."""
        return len(self._complaints)

    async def _step(self, id: str) -> bool:
        async with self._limit:
            name = self.reconciler.name
            if not self.mine():
                return False
            try:
                reach(f"before step: {name}")
                await self.reconciler.step(id)
                reach(f"after step: {name}")
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                if self._complaints.get(id) != reason:
                    log.warning("%s %s: %s", name, id, reason)
                    self._complaints[id] = reason
                await self.database.write(
                    lambda tx: self.reconciler.failed(tx, id, reason), name=f"{name} failed"
                )
                return False
            if self._complaints.pop(id, None) is not None:
                log.info("%s %s: works again", name, id)
            return True


def backoff(attempts: int, *, first: float = 1.0, most: float = 300.0) -> float:
    """Seconds until the next try after so many failures: doubling, bounded."""
    return min(most, first * 2.0 ** min(attempts, 20))
