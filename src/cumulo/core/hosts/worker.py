"""The worker of items: makes each thing on a host as ordered, whatever the others do.

Each thing that is not as ordered has a task of its own until it is. What is not there yet is
asked for again soon, what failed later and later; a new order, and news of another kind of work
(a tap, a volume), are heard at once. Work that hangs gives its place to others after its slot's
seconds, says so as its fault, and goes on: it is never interrupted and never begun twice; until it
has succeeded once it gets one of the few places for the slow.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cumulo.core.hosts.follower import Follower
from cumulo.core.hosts.journal import Journal, Order
from cumulo.core.hosts.link import Link
from cumulo.core.hosts.messages import Seen, Stranger
from cumulo.core.hosts.peer import PeerGone
from cumulo.core.hosts.reporter import LEAST_INTERVAL, Reporter, renewed
from cumulo.core.hosts.work import Failed, ItemWork, Look, NotYet, Tidies, Trouble
from cumulo.core.sim.points import reach
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.agent")

AUDIT = 300.0
"""Seconds between two comparisons of all that the host has with what the control plane has."""
LOOKERS = 16
LOOK_SECONDS = 10.0
SLOW_PLACES = 2
SOON = 0.2


@dataclass
class Thing:
    """What the worker remembers of one thing."""

    order: Order
    bell: Wakeup = field(default_factory=Wakeup)
    task: asyncio.Task[None] | None = None
    look: asyncio.Task[None] | None = None
    failures: int = 0
    waits: int = 0
    waits_since: float = 0.0
    slow: bool = False
    settled: bool = False
    """There is nothing to do: it is as ordered, or has failed for good."""


class Worker:
    """One kind of work on one host. `sweep`: seconds between two looks at all things."""

    def __init__(
        self, work: ItemWork, link: Callable[[], Link], journal: Journal, *, sweep: float = 10.0
    ) -> None:
        self.work = work
        self.kind = work.kind
        self.bell = Wakeup()
        self.on_progress: Callable[[], None] = lambda: None
        self.follower = Follower(self.kind, link, journal, self._take)
        self.reporter = Reporter(
            self.kind,
            link,
            lambda: self.follower.mark,
            on_taken=self._taken,
            on_stale=self._stale,
        )
        self._sweep_seconds = sweep
        self._things: dict[str, Thing] = {}
        self._epoch = ("", 0)
        self._places = {name: asyncio.Semaphore(s.places) for name, s in work.slots.items()}
        self._slow_places = asyncio.Semaphore(SLOW_PLACES)
        self._lookers = asyncio.Semaphore(LOOKERS)
        self._sweep_bell = Wakeup()
        self._stirred = asyncio.Event()
        work.on_change(self._changed)

    # --- what goes on -------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._sweep())
                group.create_task(self.reporter.run())
        finally:
            await self.stop()

    async def stop(self) -> None:
        tasks = [t for thing in self._things.values() for t in (thing.task, thing.look) if t]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def once(self) -> None:
        """For tests and tools: follow, work until all is settled or waits, look around, report."""
        await self.follower.follow()
        await self.idle()
        await self._look_around()
        await self.reporter.report()

    async def idle(self) -> None:
        """Until nothing is being worked at but what waits or has failed."""
        while any(
            thing.task is not None and not (thing.waits or thing.failures)
            for thing in self._things.values()
        ):
            self._stirred.clear()
            await self._stirred.wait()

    def nudge(self) -> None:
        """Another kind of work made something: whoever waits may look whether it is there."""
        for thing in self._things.values():
            if thing.waits:
                thing.bell.ring()

    def unsettled(self) -> list[str]:
        return [id for id, thing in self._things.items() if not thing.settled]

    async def _follow(self) -> None:
        failures = 0
        audit = False
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self.follower.follow(audit=audit)
                failures = 0
                await self.reporter.trouble(None)
            except Exception as error:
                failures += 1
                log.debug("%s", self.kind, exc_info=error)
                if not isinstance(error, PeerGone):
                    await self.reporter.trouble(f"{type(error).__name__}: {error}")
                # The bell is heard, but not more often than this.
                await asyncio.sleep(SOON)
                await self.bell.wait(backoff(failures, first=0.25, most=30.0))
                continue
            if self.follower.greeted:
                audit = not await self.bell.wait(AUDIT)
            # One fetch serves all changes of a burst; a lone change does not wait.
            await asyncio.sleep(max(0.0, began + LEAST_INTERVAL - loop.time()))

    # --- orders -------------------------------------------------------------------------------

    def _take(self, orders: Sequence[Order]) -> None:
        reach(f"before apply: {self.kind}")
        mark = self.follower.mark
        if (mark.cloud, mark.epoch) != self._epoch:
            self._epoch = (mark.cloud, mark.epoch)
            self.reporter.say_all_again()
        for order in orders:
            self._order(order)

    def _order(self, order: Order) -> None:
        thing = self._things.get(order.id)
        if thing is None:
            thing = self._things[order.id] = Thing(order)
        thing.order = order
        if order.lost:
            thing.settled = True
            self.reporter.forget(order.id)
            return
        thing.settled = False
        if thing.task is None:
            thing.task = asyncio.create_task(self._drive(thing), name=f"{self.kind} {order.id}")
        thing.bell.ring()

    def _taken(self, seen: Seen) -> None:
        """The control plane has taken it over. What is gone is over with that."""
        thing = self._things.get(seen.id)
        if seen.gone and thing is not None and thing.order.version == seen.version:
            self.follower.journal.note((), self.follower.mark, dropped=[seen.id])
            del self._things[seen.id]
            self.reporter.forget(seen.id)

    def _stale(self) -> None:
        self.follower.greet_again()
        self.bell.ring()

    # --- work ---------------------------------------------------------------------------------

    async def _drive(self, thing: Thing) -> None:
        """Work at one thing until it is as ordered, or has failed for good."""
        try:
            while True:
                order = thing.order
                thing.bell = Wakeup()
                pause = None if order.lost else await self._attempt(thing, order)
                if thing.order is not order:
                    thing.waits = thing.failures = 0
                elif pause is None:
                    thing.settled = True
                    break
                else:
                    await thing.bell.wait(pause)
        finally:
            thing.task = None
            self._stirred.set()
        self.on_progress()

    async def _attempt(self, thing: Thing, order: Order) -> float | None:
        """Seconds until the next attempt; None: there is nothing left to do."""
        name = self.work.slot(order)
        places = self._slow_places if thing.slow else self._places[name]
        seconds = self.work.slots[name].seconds
        async with places:
            if thing.order is not order:
                return 0.0
            task = asyncio.create_task(self._effect(order))
            try:
                ended, _ = await asyncio.wait({task}, timeout=seconds)
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise
        if not ended:
            thing.slow = True
            reason = f"it has been worked at for more than {seconds:.0f} s"
            log.warning("%s %s: %s", self.kind, order.id, reason)
            self._say(order, fault=reason, failures=max(1, thing.failures))
        try:
            state = await task
        except asyncio.CancelledError:
            task.cancel()
            raise
        except Exception as error:
            return self._not_done(thing, order, error)
        reach(f"after apply: {self.kind}")
        thing.failures = thing.waits = 0
        thing.waits_since, thing.slow = 0.0, False
        self._say(order, done=True, gone=order.gone, state=state, fault=None, failures=0, step=None)
        return None

    async def _effect(self, order: Order) -> Any:
        if order.gone:
            await self.work.remove(order)
            return None
        return await self.work.ensure(order, lambda step: self._say(order, step=step))

    def _not_done(self, thing: Thing, order: Order, error: Exception) -> float | None:
        """Say why, and when the next attempt is; None: not before another order."""
        self._stirred.set()
        reason = str(error) if isinstance(error, Trouble) else f"{type(error).__name__}: {error}"
        state = error.state if isinstance(error, Trouble) else None
        now = time.monotonic()
        if isinstance(error, NotYet):
            thing.waits += 1
            thing.waits_since = thing.waits_since or now
            if error.patience is None or now - thing.waits_since <= error.patience:
                self._say(order, state=state, step=error.step)
                return min(5.0, SOON * 1.3 ** min(thing.waits, 20))
            reason = f"waited {error.patience:.0f} s in vain: {reason}"
        elif not isinstance(error, Trouble):
            log.error("%s %s", self.kind, order.id, exc_info=error)
        thing.failures += 1
        thing.waits = 0
        final = isinstance(error, Failed) and error.final
        self._say(
            order,
            state=state,
            fault=reason,
            failures=thing.failures,
            final=final,
            step=None,
        )
        return None if final else backoff(thing.failures - 1, first=0.5, most=60.0)

    def _say(self, order: Order, *, state: Any = None, **changes: Any) -> None:
        seen = renewed(self.reporter.last(order.id), order.id, order.version)
        if state is not None:
            changes["state"] = state
        self.reporter.say(msgspec.structs.replace(seen, **changes))

    # --- looking around -----------------------------------------------------------------------

    def _changed(self, id: str | None) -> None:
        thing = None if id is None else self._things.get(id)
        if thing is None:
            self._sweep_bell.ring()
        else:
            self._look_at(thing)

    async def _sweep(self) -> None:
        while True:
            if self.follower.greeted:
                try:
                    await self._look_around()
                    await self.reporter.trouble(None)
                except Exception as error:
                    log.debug("%s", self.kind, exc_info=error)
                    await self.reporter.trouble(f"{type(error).__name__}: {error}")
                self.reporter.try_again()
                await self._sweep_bell.wait(self._sweep_seconds)
                await asyncio.sleep(LEAST_INTERVAL)
            else:
                await asyncio.sleep(LEAST_INTERVAL)

    async def _look_around(self) -> None:
        """The host itself, what nobody knows, and every thing that nothing is done to."""
        self.reporter.say_host(await self.work.host())
        here = list(await self.work.names())
        lost = self._lost(here)
        self.reporter.say_unknown([Stranger(id, await self._facts(id)) for id in lost])
        looks = [self._look_at(thing) for thing in list(self._things.values())]
        running = [task for task in looks if task is not None]
        if running:
            await asyncio.wait(running, timeout=LOOK_SECONDS)
        if isinstance(self.work, Tidies):
            await self.work.tidy(list(self.follower.journal.orders.values()), lost)

    def _lost(self, here: Iterable[str]) -> list[str]:
        unknown = []
        for id in here:
            thing = self._things.get(id)
            if thing is None or thing.order.lost:
                unknown.append(id)
        return unknown

    async def _facts(self, id: str) -> dict[str, Any]:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                return await self.work.describe(id)
        return {"fault": f"it did not answer for {LOOK_SECONDS:.0f} s"}

    def _look_at(self, thing: Thing) -> "asyncio.Task[None] | None":
        if thing.order.lost or thing.order.gone or thing.look is not None:
            return thing.look
        if thing.task is not None and thing.waits == 0 and thing.failures == 0:
            return None  # its work will tell
        thing.look = asyncio.create_task(self._look(thing))
        return thing.look

    async def _look(self, thing: Thing) -> None:
        """One that hangs keeps a place among the lookers only for its seconds."""
        order = thing.order
        try:
            async with self._lookers:
                task = asyncio.ensure_future(self.work.look(order))
                try:
                    ended, _ = await asyncio.wait({task}, timeout=LOOK_SECONDS)
                except asyncio.CancelledError:
                    task.cancel()
                    raise
            if not ended:
                self._say(order, fault=f"it did not answer for {LOOK_SECONDS:.0f} s")
            found = await task
            self._looked(thing, order, found)
        except Exception as error:
            log.warning("%s %s: %s", self.kind, order.id, error)
            if thing.order is order and thing.task is None:
                self._say(order, fault=f"{type(error).__name__}: {error}")
        finally:
            thing.look = None

    def _looked(self, thing: Thing, order: Order, found: Look) -> None:
        if thing.order is not order or thing.order.lost:
            return
        last = self.reporter.last(order.id)
        if thing.task is not None or (last is not None and last.final):
            # It waits, or is tried again later, or failed for good: only what it is is said.
            if last is not None and found.state is not None:
                self.reporter.say(msgspec.structs.replace(last, state=found.state))
        elif found.fits:
            self._say(order, done=True, state=found.state, fault=None, failures=0, step=None)
        else:
            self._order(order)
