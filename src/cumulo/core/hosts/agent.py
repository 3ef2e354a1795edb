"""The agent: what runs on a host. Orders in, driver calls, what is seen out.

It never sees the database; it talks to the conductor through a Link, in process or over a
websocket. Each kind of work has a worker of items (`worker.py`), or, as long as it has no items
yet, a loop that exchanges whole states. Restarting it touches nothing that already is as ordered.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from cumulo.core.hosts.journal import Journal
from cumulo.core.hosts.link import Link
from cumulo.core.hosts.messages import Answer, Ask, FetchAll, ReportAll
from cumulo.core.hosts.samples import MOST as MOST_SAMPLES
from cumulo.core.hosts.samples import Sampler
from cumulo.core.hosts.set_worker import SetWork, SetWorker
from cumulo.core.hosts.work import HostPart, ItemWork
from cumulo.core.hosts.worker import Worker
from cumulo.core.sim.points import reach
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.agent")

HEARTBEAT = 10.0
LEAST_INTERVAL = 0.05
"""Seconds between the beginnings of two passes of one kind."""
SOON = 0.2


class WholeWork(HostPart, Protocol):
    """The host's side of a kind that has no items yet."""

    async def apply(self, desired: Any) -> Any:
        """Make it so, idempotently, and return the observed state. What failed for one item is
        that item's fault in the report; an exception means that nothing could be done."""

    def unfinished(self) -> bool:
        """True when the last pass left something that needs another soon (a wait, a retry)."""

    def on_change(self, ring: Callable[[], None]) -> None:
        """Call `ring` when the world changed by itself (a guest ended)."""


class Agent:
    """All the work of one host."""

    def __init__(
        self,
        host_id: str,
        link: Link,
        parts: Iterable[HostPart],
        *,
        journals: Path | None = None,
        sweep: float = 10.0,
        sweeps: Mapping[str, float] | None = None,
        sample_seconds: float = 60.0,
    ) -> None:
        """`sweep`: seconds between two looks at the world; `sweeps` says otherwise by kind.
        `journals`: the folder in which it keeps what it was told; None: in memory."""
        self.host_id = host_id
        self.sample_seconds = sample_seconds
        self.link = link
        self.parts: dict[str, Any] = {part.kind: part for part in parts}
        self.sweeps = {kind: (sweeps or {}).get(kind, sweep) for kind in self.parts}
        self.workers: dict[str, Worker | SetWorker] = {}
        self.bells: dict[str, Wakeup] = {}
        self._applied: dict[str, tuple[int, int]] = {}
        self._complaints: dict[str, str] = {}
        for kind, part in self.parts.items():
            if hasattr(part, "item_type"):
                self._add_worker(part, journals)
            else:
                self.bells[kind] = Wakeup()
                part.on_change(self.bells[kind].ring)

    def _add_worker(self, work: Any, journals: Path | None) -> None:
        path = None if journals is None else journals / f"{work.kind}.journal"
        journal, sweep = Journal(path, work.item_type), self.sweeps[work.kind]
        worker: Worker | SetWorker
        if hasattr(work, "apply_set"):
            worker = SetWorker(cast(SetWork, work), lambda: self.link, journal, sweep=sweep)
        else:
            worker = Worker(cast(ItemWork, work), lambda: self.link, journal, sweep=sweep)
        worker.on_progress = lambda: self._tell_waiting(work.kind)
        self.workers[work.kind] = worker
        self.bells[work.kind] = worker.bell

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind in self.parts:
                worker = self.workers.get(kind)
                group.create_task(self._loop(kind) if worker is None else worker.run())
            group.create_task(self._heartbeats())
            for part in self.parts.values():
                if isinstance(part, Sampler):
                    group.create_task(self._sample(part))

    async def _sample(self, part: Sampler) -> None:
        """What a part sees, told every so many seconds, on full ones: all hosts fit together."""
        while True:
            now = time.time()
            await asyncio.sleep(self.sample_seconds - now % self.sample_seconds)
            try:
                found = await part.samples()
                if found:
                    await self.link.samples(found[:MOST_SAMPLES])
            except Exception as error:  # the next ones will do
                log.warning("samples of %s: %s", self.host_id, error)

    async def ask(self, message: Ask) -> Answer:
        part = self.parts.get(message.kind)
        if part is None:
            return Answer(refused=f"this host does no {message.kind}")
        try:
            return Answer(await part.answer(message.question, message.arguments))
        except Exception as error:
            log.warning("%s %s: %s", message.kind, message.question, error)
            return Answer(refused=str(error))

    def _tell_waiting(self, done: str) -> None:
        """What one kind has just made (a tap, a volume) may be what another waits for."""
        for kind, part in self.parts.items():
            if kind == done:
                continue
            if kind in self.workers:
                self.workers[kind].nudge()
            elif part.unfinished():
                self.bells[kind].ring()

    # --- kinds without items ------------------------------------------------------------------

    async def _loop(self, kind: str) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            ok = await self.once(kind)
            failures = 0 if ok else failures + 1
            if ok:
                self._tell_waiting(kind)
            if not ok:
                # The bell is heard during the back-off, but not more often than this.
                await asyncio.sleep(SOON)
                await self.bells[kind].wait(backoff(failures, first=0.5, most=30.0))
            elif self.parts[kind].unfinished():
                await self.bells[kind].wait(0.3)
            else:
                await self.bells[kind].wait(self.sweeps[kind])
            # One pass serves all changes of a burst; a lone change does not wait.
            await asyncio.sleep(max(0.0, began + LEAST_INTERVAL - loop.time()))

    async def once(self, kind: str) -> bool:
        """One pass: fetch, apply, report. False when it failed as a whole."""
        generation = 0
        try:
            desired = await self.link.fetch_all(FetchAll(kind))
            generation = desired.generation
            newest = self._applied.get(kind, (0, 0))
            if (desired.epoch, generation) < newest:
                log.warning("%s: an order older than %s is refused", kind, newest)
                return True
            reach(f"before apply: {kind}")
            observed = await self.parts[kind].apply(desired.state)
            self._applied[kind] = (desired.epoch, generation)
            reach(f"after apply: {kind}")
            await self.link.report_all(ReportAll(kind, desired.epoch, generation, observed))
        except Exception as error:
            await self._complain(kind, generation, error)
            return False
        if self._complaints.pop(kind, None) is not None:
            log.info("%s: works again", kind)
        return True

    async def _complain(self, kind: str, generation: int, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        if self._complaints.get(kind) != reason:
            log.error("%s: %s", kind, reason, exc_info=error)
            self._complaints[kind] = reason
            try:
                await self.link.failed(kind, generation, reason)
            except Exception:
                log.exception("%s: the failure could not be reported", kind)

    async def _heartbeats(self) -> None:
        while True:
            try:
                await self.link.heartbeat()
            except Exception:
                log.exception("heartbeat")
            await asyncio.sleep(HEARTBEAT)
