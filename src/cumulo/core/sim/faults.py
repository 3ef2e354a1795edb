"""What goes wrong in a simulated world, as its seed wants it."""

import asyncio
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from cumulo.core.blobs.content import Contents
from cumulo.core.hosts.link import InProcessLink
from cumulo.core.hosts.messages import Fetch, Items, Report, Taken
from cumulo.core.hosts.samples import Sample


class PowerCut(BaseException):
    """The control plane's process dies here. No `except Exception` sees it."""


class Process(Protocol):
    """A control plane, which may die."""

    died: asyncio.Event

    def cut(self, point: str) -> None:
        """Its power is cut."""


process: ContextVar[Process] = ContextVar("process")
"""Whose code this is."""


class Chances:
    """How likely what is, each time that it could happen. `calm` is a world without faults."""

    def __init__(
        self,
        chance: random.Random,
        *,
        cut: float = 0.0012,
        full: float = 0.002,
        lost: float = 0.03,
        late: float = 0.1,
        twice: float = 0.03,
    ) -> None:
        self.chance = chance
        self.cut, self.full = cut, full
        self.lost, self.late, self.twice = lost, late, twice
        self.calm = False

    def strikes(self, likely: float) -> bool:
        return not self.calm and self.chance.random() < likely

    def reach(self, point: str) -> None:
        """Stands in for `points.reach`: every point of every process passes here."""
        if self.strikes(self.cut):
            process.get().cut(point)
            raise PowerCut(point)
        if point.startswith("before commit") and self.strikes(self.full):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full


class BadLine:
    """A host's link on which messages are late, lost, answered in vain, or come twice."""

    def __init__(self, link: InProcessLink, chances: Chances) -> None:
        self._link = link
        self._chances = chances

    async def _travel(self) -> None:
        if self._chances.strikes(self._chances.late):
            await asyncio.sleep(self._chances.chance.expovariate(1.0))
        if self._chances.strikes(self._chances.lost):
            raise OSError("a message is lost")

    async def fetch(self, message: Fetch) -> Items:
        await self._travel()
        found = await self._link.fetch(message)
        await self._travel()
        return found

    async def report(self, message: Report) -> Taken:
        await self._travel()
        taken = await self._link.report(message)
        if self._chances.strikes(self._chances.twice):
            taken = await self._link.report(message)
        await self._travel()
        return taken

    async def failed(self, kind: str, generation: int, reason: str) -> None:
        await self._travel()
        await self._link.failed(kind, generation, reason)

    async def heartbeat(self) -> None:
        await self._travel()
        await self._link.heartbeat()

    async def samples(self, samples: Sequence[Sample]) -> None:
        await self._travel()
        await self._link.samples(samples)

    async def query(self, kind: str, question: str, arguments: Mapping[str, Any]) -> Any:
        await self._travel()
        return await self._link.query(kind, question, arguments)

    def contents(self) -> Contents | None:
        return self._link.contents()

    def local_address(self) -> str | None:
        return self._link.local_address()
