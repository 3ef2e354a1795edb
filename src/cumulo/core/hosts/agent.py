"""The agent: what runs on a host. Desired state in, driver calls, observed state out.

One loop per kind of work. It never sees the database; it talks to the conductor through a Link,
in process or over a websocket. Restarting it touches nothing that already is as desired, since
every HostPart compares before it acts.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.messages import Answer, Ask, Desired, Fetch, Report
from cumulo.core.sim.points import reach
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.agent")

HEARTBEAT = 10.0
LEAST_INTERVAL = 0.05
"""Seconds between the beginnings of two passes of one kind."""


class HostPart(Protocol):
    """The host's side of one kind of work; each service's `agent.py` has one."""

    kind: str

    async def apply(self, desired: Any) -> Any:
        """Make it so, idempotently, and return the observed state. What failed for one item is
        that item's fault in the report; an exception means that nothing could be done."""

    def unfinished(self) -> bool:
        """True when the last pass left something that needs another soon (a wait, a retry)."""

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        """Answer a question that the control plane asks of this host."""

    def on_change(self, ring: Callable[[], None]) -> None:
        """Call `ring` when the world changed by itself (a guest ended)."""


class Link(Protocol):
    """The agent's end of the line to the control plane."""

    async def fetch(self, message: Fetch) -> Desired: ...
    async def report(self, message: Report) -> None: ...
    async def failed(self, kind: str, generation: int, reason: str) -> None: ...
    async def heartbeat(self) -> None: ...


class InProcessLink:
    """The embedded mode: the same messages, handed over without a wire."""

    def __init__(self, conductor: Conductor, host_id: str) -> None:
        self._conductor = conductor
        self._host_id = host_id

    async def fetch(self, message: Fetch) -> Desired:
        return await self._conductor.fetch(self._host_id, message)

    async def report(self, message: Report) -> None:
        await self._conductor.report(self._host_id, message)

    async def failed(self, kind: str, generation: int, reason: str) -> None:
        await self._conductor.failed(self._host_id, kind, generation, reason)

    async def heartbeat(self) -> None:
        await self._conductor.heartbeat(self._host_id)


class Agent:
    """All the work of one host."""

    def __init__(
        self,
        host_id: str,
        link: Link,
        parts: Iterable[HostPart],
        *,
        sweep: float = 10.0,
        sweeps: Mapping[str, float] | None = None,
    ) -> None:
        """`sweep`: seconds between two looks at the world; `sweeps` says otherwise by kind."""
        self.host_id = host_id
        self.link = link
        self.parts = {part.kind: part for part in parts}
        self.sweeps = {kind: (sweeps or {}).get(kind, sweep) for kind in self.parts}
        self.bells = {kind: Wakeup() for kind in self.parts}
        self._applied: dict[str, tuple[int, int]] = {}
        self._complaints: dict[str, str] = {}
        for part in self.parts.values():
            part.on_change(self.bells[part.kind].ring)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind in self.parts:
                group.create_task(self._loop(kind))
            group.create_task(self._heartbeats())

    async def ask(self, message: Ask) -> Answer:
        part = self.parts.get(message.kind)
        if part is None:
            return Answer(refused=f"this host does no {message.kind}")
        try:
            return Answer(await part.answer(message.question, message.arguments))
        except Exception as error:
            log.warning("%s %s: %s", message.kind, message.question, error)
            return Answer(refused=str(error))

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
                await asyncio.sleep(backoff(failures, first=0.5, most=30.0))
            elif self.parts[kind].unfinished():
                await self.bells[kind].wait(0.3)
            else:
                await self.bells[kind].wait(self.sweeps[kind])
            # One pass serves all changes of a burst; a lone change does not wait.
            await asyncio.sleep(max(0.0, began + LEAST_INTERVAL - loop.time()))

    def _tell_waiting(self, done: str) -> None:
        """What one kind has just made (a tap, a volume) may be what another waits for."""
        for kind, part in self.parts.items():
            if kind != done and part.unfinished():
                self.bells[kind].ring()

    async def once(self, kind: str) -> bool:
        """One pass: fetch, apply, report. False when it failed as a whole."""
        generation = 0
        try:
            desired = await self.link.fetch(Fetch(kind))
            generation = desired.generation
            newest = self._applied.get(kind, (0, 0))
            if (desired.epoch, generation) < newest:
                log.warning("%s: an order older than %s is refused", kind, newest)
                return True
            reach(f"before apply: {kind}")
            observed = await self.parts[kind].apply(desired.state)
            self._applied[kind] = (desired.epoch, generation)
            reach(f"after apply: {kind}")
            await self.link.report(Report(kind, desired.epoch, generation, observed))
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
