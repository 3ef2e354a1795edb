"""The agent: what runs on a host. Orders in, driver calls, what is seen out.

It never sees the database; it talks to the conductor through a Link, in process or over a
websocket. Each kind of work has a worker: of items (`worker.py`) where things are made one by one,
of sets (`set_worker.py`) where they are made together. Restarting it touches nothing that already
is as ordered.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from cumulo.core.hosts.journal import Journal
from cumulo.core.hosts.link import Link
from cumulo.core.hosts.messages import Answer, Ask
from cumulo.core.hosts.samples import MOST as MOST_SAMPLES
from cumulo.core.hosts.samples import Sampler
from cumulo.core.hosts.set_worker import SetWork, SetWorker
from cumulo.core.hosts.work import HostPart, ItemWork
from cumulo.core.hosts.worker import Worker
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.agent")

HEARTBEAT = 10.0


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
        """Rung when there may be newer orders of a kind."""
        for kind, part in self.parts.items():
            path = None if journals is None else journals / f"{kind}.journal"
            self._add(kind, part, Journal(path, part.item_type))

    def _add(self, kind: str, work: Any, journal: Journal) -> None:
        worker: Worker | SetWorker
        if hasattr(work, "apply_set"):
            made = cast(SetWork, work)
            worker = SetWorker(made, lambda: self.link, journal, sweep=self.sweeps[kind])
        else:
            one = cast(ItemWork, work)
            worker = Worker(one, lambda: self.link, journal, sweep=self.sweeps[kind])
        worker.on_progress = lambda: self._tell_waiting(kind)
        self.workers[kind] = worker
        self.bells[kind] = worker.bell

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for worker in self.workers.values():
                group.create_task(worker.run())
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
        for kind, worker in self.workers.items():
            if kind != done:
                worker.nudge()

    async def _heartbeats(self) -> None:
        while True:
            try:
                await self.link.heartbeat()
            except Exception:
                log.exception("heartbeat")
            await asyncio.sleep(HEARTBEAT)
