"""The conductor: the only way from a host to the database.

It answers an agent's Fetch out of one read transaction and stores a Report in one write
transaction, each through the service that owns the kind (`Part`). A host sees only what is
placed on it, since every Part is asked with the host's own id.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.hosts.messages import Answer, Ask, Desired, Fetch, Report
from cumulo.core.hosts.registry import HostRegistry

log = logging.getLogger("cumulo.hosts")


class Part(Protocol):
    """The control plane's side of one kind of work on hosts; each service has one."""

    kind: str
    desired_type: type
    observed_type: type

    def desired(self, tx: Tx, host_id: str, generation: int) -> Any:
        """The whole desired state of that host, an instance of `desired_type`."""

    def observed(self, tx: Tx, host_id: str, report: Any) -> None:
        """Take over what the host sees, by compare-and-swap on each row's generation."""


class HostDown(Exception):
    """No agent of that host is connected."""


class Conductor:
    """One per control plane process."""

    def __init__(self, database: Database, registry: HostRegistry) -> None:
        self.database = database
        self.registry = registry
        self.parts: dict[str, Part] = {}
        self._askers: dict[str, Callable[[Ask], Any]] = {}

    def add(self, parts: Iterable[Part]) -> None:
        """What the services do on hosts."""
        self.parts |= {part.kind: part for part in parts}

    async def fetch(self, host_id: str, message: Fetch) -> Desired:
        part = self.parts[message.kind]

        def read(tx: Tx) -> Desired:
            host = self.registry.get(tx, host_id)
            known = self.registry.part(tx, host_id, message.kind)
            assert host is not None and known is not None, host_id
            state = part.desired(tx, host_id, known.generation)
            return Desired(message.kind, host.epoch, known.generation, state)

        return await self.database.read(read)

    async def report(self, host_id: str, message: Report) -> None:
        part = self.parts[message.kind]

        def write(tx: Tx) -> None:
            host = self.registry.get(tx, host_id)
            if host is None or host.epoch != message.epoch:
                log.warning("a report of %s for an older epoch is refused", host_id)
                return
            part.observed(tx, host_id, message.state)
            self.registry.applied(tx, host_id, message.kind, message.generation, None)

        await self.database.write(write, name=f"report {message.kind}")

    async def failed(self, host_id: str, kind: str, generation: int, reason: str) -> None:
        """The agent could not apply the state at all."""
        await self.database.write(
            lambda tx: self.registry.applied(tx, host_id, kind, generation, reason),
            name=f"failed {kind}",
        )

    async def heartbeat(self, host_id: str) -> None:
        def write(tx: Tx) -> None:
            host = self.registry.get(tx, host_id)
            if host is not None:
                self.registry.seen(tx, host)

        await self.database.write(write, name="heartbeat")

    def connect(self, host_id: str, asker: Callable[[Ask], Any]) -> None:
        """An agent is connected; `asker` is an async function that puts a question to it."""
        self._askers[host_id] = asker

    async def ask(self, host_id: str, kind: str, question: str, **arguments: Any) -> Any:
        """Put a question to a host. Raises HostDown when it is not there or refuses."""
        asker = self._askers.get(host_id)
        if asker is None:
            raise HostDown(f"host {host_id} is not connected")
        answer: Answer = await asker(Ask(kind, question, arguments))
        if answer.refused is not None:
            raise HostDown(answer.refused)
        return answer.value
