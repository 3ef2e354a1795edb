"""Several control planes in one simulated world, at one database file.

Each has a connection of its own. A transaction is synchronous, so none is interleaved with another
one, as with the strictest isolation of PostgreSQL; between two of them anything may happen, as
there. What that has besides is here: what is announced in a commit is heard by the others
(`LISTEN`, `NOTIFY`), hints may get lost, and leases go by the database's clock. Whose code runs is
known by a context variable (`faults.process`), which tasks inherit.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any, TypeVar

from cumulo.core.blobs.content import Content, Contents
from cumulo.core.blobs.streams import Reader
from cumulo.core.db.announcements import Announcement, channels
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Unavailable
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.hosts.lines import Line
from cumulo.core.hosts.messages import Answer, Ask
from cumulo.core.http.operations import Call, Reply
from cumulo.core.sim.faults import Chances, PowerCut, Process, process

T = TypeVar("T")
NOTIFY_SECONDS = 0.02
"""Until what is said to others is heard, on the average."""


class Neighbours:
    """Who is at the database just now."""

    def __init__(self, chances: Chances) -> None:
        self._chances = chances
        self._there: list[SharedFile] = []

    def open(self, path: Path) -> "SharedFile":
        """For the process of this context, whose connection before is forgotten."""
        mine = process.get()
        self._there = [each for each in self._there if each.process is not mine]
        made = SharedFile(path, self)
        self._there.append(made)
        return made

    async def turn(self) -> None:
        """The way to a database's thread, and back: others go on meanwhile."""
        slow = self._chances.strikes(self._chances.late)
        await asyncio.sleep(self._chances.chance.expovariate(1 / NOTIFY_SECONDS) if slow else 0.0)

    def announce(self, sender: "SharedFile", names: set[str]) -> None:
        """It is a part of the commit: it is not lost."""
        for each in self._others(sender):
            for announcement in each.subscribed:
                if announcement.channel in names:
                    self._later(each, announcement)

    def hint(self, sender: "SharedFile", hint: str) -> None:
        for each in self._others(sender):
            heard = each.heard
            if heard is not None and not self._chances.strikes(self._chances.lost):
                self._later(each, functools.partial(heard, hint))

    def _others(self, sender: "SharedFile") -> "list[SharedFile]":
        return [each for each in self._there if each is not sender]

    def _later(self, receiver: "SharedFile", tell: Callable[[], object]) -> None:
        def arrives() -> None:
            if not receiver.process.died.is_set():
                tell()

        delay = self._chances.chance.expovariate(1 / NOTIFY_SECONDS)
        asyncio.get_running_loop().call_later(delay, arrives, context=receiver.context)


class SharedFile(SqliteDatabase):
    """One process's connection."""

    several = True

    def __init__(self, path: Path, neighbours: Neighbours) -> None:
        super().__init__(path)
        self.process = process.get()
        self.context = copy_context()
        self.subscribed: list[Announcement] = []
        self.heard: Callable[[str], None] | None = None
        self._neighbours = neighbours
        # What `queries.NOW` asks for, in the world's time.
        self._connection.create_function("julianday", 1, _julian_day)

    async def read(self, function: Callable[[Tx], T]) -> T:
        await self._neighbours.turn()
        found = self.read_now(function)
        await self._neighbours.turn()
        return found

    async def write(self, function: Callable[[Tx], T], *, name: str = "") -> T:
        await self._neighbours.turn()
        # Also when whoever waits is cancelled: the commit is not.
        result = self.write_now(function, name=name)
        await self._neighbours.turn()
        return result

    def subscribe(self, announcement: Announcement) -> None:
        self.subscribed.append(announcement)

    def tell_others(self, callbacks: Sequence[Callable[[], None]]) -> None:
        self._neighbours.announce(self, channels(callbacks))

    def hint(self, hint: str) -> None:
        self._neighbours.hint(self, hint)

    def on_hint(self, heard: Callable[[str], None]) -> None:
        self.heard = heard


def _julian_day(when: str) -> float:
    assert when == "now"
    return time.time() / 86400.0 + 2440587.5


class Neighbour:
    """The control plane that has the hosts and the files, as another one reaches it. In the place
    of `core.nodes.links.NodeLinks`."""

    def __init__(
        self,
        there: Callable[[], tuple[Process, Context, Conductor, Contents] | None],
        chances: Chances,
    ) -> None:
        """`there`: None while it does not run."""
        self._there = there
        self._chances = chances

    async def ask(self, node_id: str, host_id: str, ask: Ask) -> Answer:
        try:
            return await self._over_there(lambda it, _: it.asked_here(host_id, ask))
        except (OSError, HostDown) as error:
            return Answer(refused=str(error), away=not isinstance(error, HostDown))

    async def line(self, node_id: str, host_id: str, ask: Ask) -> Line:
        raise HostDown("consoles are not simulated")

    async def open(self, content: Content) -> Reader:
        return await self._over_there(lambda _, contents: contents.open(content))

    async def forward(self, call: Call) -> Reply:
        raise Unavailable("requests for files are not handed on in a simulated world")

    async def _over_there(self, do: Callable[[Conductor, Contents], Coroutine[Any, Any, T]]) -> T:
        """In its own process. Raises OSError where that dies first, or is not there."""
        there = self._there()
        if there is None or self._chances.strikes(self._chances.lost):
            raise OSError("the other control node does not answer")
        other, context, conductor, contents = there
        loop = asyncio.get_running_loop()
        work = loop.create_task(do(conductor, contents), context=context.copy())
        death = loop.create_task(other.died.wait())
        try:
            await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            death.cancel()
            if not work.done():
                work.cancel()
        if not work.done() or work.cancelled() or isinstance(work.exception(), PowerCut):
            raise OSError("the other control node died")
        return work.result()
