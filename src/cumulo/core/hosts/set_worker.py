"""The worker of sets: for a kind whose things are made together, in one pass (a data plane).

It follows the same orders as the worker of items and reports as it does; between the two it hands
the whole set to the work at each change, and once in a while to look at it anew. What is lost (see
`follower`) stays in the set as it was last ordered; only what is ordered to go is named as gone.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cumulo.core.hosts.follower import Follower
from cumulo.core.hosts.journal import Journal, Order
from cumulo.core.hosts.link import Link
from cumulo.core.hosts.messages import Seen, Stranger
from cumulo.core.hosts.peer import PeerGone
from cumulo.core.hosts.reporter import LEAST_INTERVAL, Reporter
from cumulo.core.hosts.work import HostPart
from cumulo.core.hosts.worker import AUDIT, SOON
from cumulo.core.sim.points import reach
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.agent")


class Made(NamedTuple):
    """What became of one thing: a `Part.seen_type`, and why it is not as ordered."""

    state: Any
    fault: str | None = None


class SetWork(HostPart, Protocol):
    """The host's side of a kind whose things are made together."""

    item_type: Any

    async def apply_set(
        self, orders: Mapping[str, Order], gone: Sequence[str], *, audit: bool
    ) -> Mapping[str, Made]:
        """Make it all so, and say what became of those things of which something is to be told.
        Of what is neither in `orders` nor in `gone` nothing is removed. `audit`: look at all of
        it, also at what did not change. An exception means that nothing could be done."""

    async def strangers(self) -> Sequence[Stranger]:
        """What is on this host and was not in the last set."""

    def describe_order(self, order: Order) -> dict[str, Any]:
        """A few facts about something that is lost, for an operator."""

    async def host(self) -> Any:
        """What the host says of itself, a `Part.host_type`; None: nothing."""


class SetWorker:
    """One such kind of work on one host. `sweep`: seconds between two looks at all of it."""

    def __init__(
        self, work: SetWork, link: Callable[[], Link], journal: Journal, *, sweep: float = 60.0
    ) -> None:
        self.work = work
        self.kind = work.kind
        self.bell = Wakeup()
        self.on_progress: Callable[[], None] = lambda: None
        self.passes = 0
        self.follower = Follower(self.kind, link, journal, self._take)
        self.reporter = Reporter(
            self.kind,
            link,
            lambda: self.follower.mark,
            on_taken=self._taken,
            on_stale=self._stale,
        )
        self._sweep_seconds = sweep
        self._epoch = ("", 0)
        self._changed = Wakeup()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._work())
            group.create_task(self.reporter.run())

    async def once(self) -> None:
        """For tests and tools: follow, one pass, report."""
        await self.follower.follow()
        await self._pass(audit=False)
        await self.reporter.report()

    def nudge(self) -> None:
        """Nothing here waits for other work."""

    async def _follow(self) -> None:
        failures, audit = 0, False
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self.follower.follow(audit=audit)
                failures = 0
            except Exception as error:
                failures += 1
                log.debug("%s", self.kind, exc_info=error)
                if not isinstance(error, PeerGone):
                    await self.reporter.trouble(f"{type(error).__name__}: {error}")
                await asyncio.sleep(SOON)
                await self.bell.wait(backoff(failures, first=0.25, most=30.0))
                continue
            if self.follower.greeted:
                audit = not await self.bell.wait(AUDIT)
            # One fetch serves all changes of a burst; a lone change does not wait.
            await asyncio.sleep(max(0.0, began + LEAST_INTERVAL - loop.time()))

    def _take(self, orders: Sequence[Order]) -> None:
        # Before the reporter is rung: what the pass finds is in the same report.
        self._changed.ring()
        mark = self.follower.mark
        if (mark.cloud, mark.epoch) != self._epoch:
            self._epoch = (mark.cloud, mark.epoch)
            self.reporter.say_all_again()
        for order in orders:
            if order.lost:
                self.reporter.forget(order.id)

    def _taken(self, seen: Seen) -> None:
        order = self.follower.journal.orders.get(seen.id)
        if seen.gone and order is not None and order.gone and order.version == seen.version:
            self.follower.journal.note((), self.follower.mark, dropped=[seen.id])
            self.reporter.forget(seen.id)

    def _stale(self) -> None:
        self.follower.greet_again()
        self.bell.ring()

    async def _work(self) -> None:
        failures, audit = 0, False
        loop = asyncio.get_running_loop()
        await self._changed.wait(1e9)
        while True:
            began = loop.time()
            try:
                await self._pass(audit=audit)
                failures = 0
                await self.reporter.trouble(None)
            except Exception as error:
                failures += 1
                log.debug("%s", self.kind, exc_info=error)
                await self.reporter.trouble(f"{type(error).__name__}: {error}")
                # The bell is heard during the back-off, but not more often than this.
                await asyncio.sleep(SOON)
                await self._changed.wait(backoff(failures, first=0.5, most=30.0))
                continue
            self.reporter.try_again()
            audit = not await self._changed.wait(self._sweep_seconds)
            await asyncio.sleep(max(0.0, began + LEAST_INTERVAL - loop.time()))

    def _say_unmade(self, wanted: Iterable[Order], fault: str) -> None:
        """The whole could not be made. What was made before as it is ordered now stays so; of the
        rest nobody shall believe that it is there."""
        for order in wanted:
            last = self.reporter.last(order.id)
            if order.lost or (last is not None and last.done and last.version == order.version):
                continue
            told = Seen(id=order.id, version=order.version, done=False, fault=fault, failures=1)
            self.reporter.say(told)

    async def _pass(self, *, audit: bool) -> None:
        self.passes += 1
        orders = dict(self.follower.journal.orders)
        wanted = {id: order for id, order in orders.items() if not order.gone}
        gone = [order for order in orders.values() if order.gone]
        reach(f"before apply: {self.kind}")
        try:
            made = await self.work.apply_set(wanted, [order.id for order in gone], audit=audit)
        except Exception as error:
            self._say_unmade(wanted.values(), f"{error}"[:500] or type(error).__name__)
            raise
        reach(f"after apply: {self.kind}")
        for id, each in made.items():
            order = wanted[id]
            if not order.lost:
                self.reporter.say(
                    Seen(
                        id=id,
                        version=order.version,
                        done=each.fault is None,
                        state=each.state,
                        fault=each.fault,
                        failures=0 if each.fault is None else 1,
                    )
                )
        for order in gone:
            self.reporter.say(Seen(id=order.id, version=order.version, done=True, gone=True))
        lost = [
            Stranger(order.id, self.work.describe_order(order))
            for order in wanted.values()
            if order.lost
        ]
        self.reporter.say_unknown([*lost, *await self.work.strangers()])
        self.reporter.say_host(await self.work.host())
        self.on_progress()
