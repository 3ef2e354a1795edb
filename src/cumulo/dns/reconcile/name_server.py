"""The loop that keeps the cloud's own name server as the rows are.

The server is started when there is a zone for the first time. It has nothing then, and gets all
zones page by page; from then on what was touched since the number that it has. What it has taken
over is written down, which is what makes zones ACTIVE. A server that fails is started again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from cumulo.core.db.transaction import Database
from cumulo.core.sim.points import reach
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup
from cumulo.dns.model.change import ServerRow
from cumulo.dns.model.nameserver import NameServer, NameServerFailed
from cumulo.dns.nameserver.feed import All
from cumulo.dns.service.serving import Serving, TooFarBehind

log = logging.getLogger("cumulo.dns")

SWEEP_SECONDS = 5.0
HEARTBEAT_SECONDS = 10.0
MOST_NOTIFIED = 1000
MASTERS_SECONDS = 1.0
MOST_SAID = 100
"""Addresses that say so of one zone."""


class NameServerLoop:
    """`server` None: this process runs no name server."""

    name = "name server"

    def __init__(
        self,
        database: Database,
        serving: Serving,
        server: NameServer | None,
        *,
        server_id: str,
        hostname: str,
    ) -> None:
        self.database = database
        self.serving = serving
        self.server = server
        self.server_id = server_id
        self.hostname = hostname
        self.wakeup = Wakeup()
        self.also_ring: Sequence[Callable[[], None]] = ()
        """Those that a change may concern, too."""
        self.went_back: Callable[[], None] = lambda: None
        """Called when this server has to read all anew: the database may be an older one."""
        self._notified: dict[str, set[str]] = {}
        """Zones of which somebody says that they have changed, and who."""
        self._asked = -MASTERS_SECONDS
        if server is not None:
            server.notified = self.hear
            server.ended = self.wakeup.ring
        self._change = 0
        self._heard = 0.0
        self._failures = 0
        self._complaint = ""

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()

        # A commit of another process is announced on a thread of its own.
        def ring() -> None:
            for each in (self.wakeup.ring, *self.also_ring):
                loop.call_soon_threadsafe(each)

        self.serving.changes.ring = ring
        try:
            while True:
                pause = SWEEP_SECONDS
                try:
                    await self.once()
                    pause = await self._ask_masters()
                    self._failures, self._complaint = 0, ""
                except NameServerFailed as error:
                    pause = await self._failed(str(error))
                except Exception:  # the database is away
                    log.exception("the name server could not be told")
                    self._change = 0
                await self.wakeup.wait(pause)
        finally:
            if self.server is not None:
                await self.server.stop()
                await self._leave()

    def hear(self, name: str, address: str) -> None:
        if name in self._notified or len(self._notified) < MOST_NOTIFIED:
            said = self._notified.setdefault(name, set())
            if len(said) < MOST_SAID:
                said.add(address)
            self.wakeup.ring()

    async def _ask_masters(self) -> float:
        """Zones whose masters have something new are fetched now, once a second; when next."""
        if not self._notified:
            return SWEEP_SECONDS
        left = self._asked + MASTERS_SECONDS - time.monotonic()
        if left > 0:
            return left
        self._asked = time.monotonic()
        heard, self._notified = self._notified, {}
        try:
            await self._fetch_now(heard)
        except BaseException:  # the database is away: they are not told twice
            for name, said in heard.items():
                self._notified.setdefault(name, set()).update(said)
            raise
        return SWEEP_SECONDS

    async def _fetch_now(self, heard: dict[str, set[str]]) -> None:
        secondaries = self.serving.secondaries
        found = await self.database.read(lambda tx: secondaries.notified(tx, heard))
        if found:
            ids = [row.id for row in found]
            await self.database.write(
                lambda tx: secondaries.fetch_now(tx, ids), name="masters have news"
            )

    async def _leave(self) -> None:
        """Others need not wait for this one until it counts as dead."""
        try:
            await self.database.write(
                lambda tx: self.serving.leave(tx, self.server_id), name="name server leaves"
            )
        except Exception:  # the database is away, and so is this server in half a minute
            log.info("the name server could not say that it leaves")

    async def once(self) -> None:
        """Tell the server what is new, and write down what it has."""
        if self.server is None:
            await self._settle()
            return
        if not self.server.running:
            self._change = 0
            if not await self.database.read(self.serving.anything):
                return
            await self.server.start()
        if not self._change:
            await self._load()
        await self._follow()

    async def _load(self) -> None:
        """All zones, and the number at which reading them began. Until it has them all, it answers
        from what it had."""
        assert self.server is not None
        self._change = 0
        now = time.time()
        row = ServerRow(self.server_id, self.hostname, self.server.address, 0, now, now)
        number = await self.database.write(
            lambda tx: self.serving.register(tx, row), name="name server begins"
        )
        beating = asyncio.create_task(self._beats())
        try:
            await self._read_all()
            await self._finish(number)
        finally:
            beating.cancel()

    async def _beats(self) -> None:
        """While it loads, which may take longer than the others wait for a sign of life."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await self.database.write(
                    lambda tx: self.serving.beat(tx, self.server_id), name="name server loads"
                )
            except Exception as error:  # the database is away: the load sees that, too
                log.info("the name server could not say that it loads: %s", error)

    async def _read_all(self) -> None:
        assert self.server is not None
        await self.server.send([All()])
        last: str | None = ""
        while last is not None:
            after = last
            last, steps = await self.database.read(
                lambda tx, after=after: self.serving.zones_after(tx, after)  # type: ignore[misc]
            )
            await self.server.send(steps)
            await asyncio.sleep(0)

    async def _follow(self) -> None:
        assert self.server is not None
        since = max(self._change, 0)
        try:
            number, touched = await self.database.read(
                lambda tx: self.serving.news(tx, self.server_id, since)
            )
        except TooFarBehind:
            await self._load()
            self.went_back()
            return
        if number == since:
            if time.monotonic() - self._heard > HEARTBEAT_SECONDS:
                await self._note(number)
            return
        told = False
        while touched:
            some = touched
            count, steps = await self.database.read(
                lambda tx, some=some: self.serving.steps(tx, some)  # type: ignore[misc]
            )
            touched = touched[count:]
            if steps:
                told = True
                await self.server.send(steps)
        if told:
            await self._finish(number)
        else:
            self._change = number
            await self._note(number)

    async def _finish(self, number: int) -> None:
        assert self.server is not None
        reach("before commit to the name server")
        await self.server.commit(number)
        reach("after commit to the name server")
        self._change = number or -1
        await self._note(number)

    async def _note(self, number: int) -> None:
        more = True
        while more:
            more = await self.database.write(
                lambda tx: self.serving.heard(tx, self.server_id, number), name="name server has it"
            )
        self._heard = time.monotonic()

    async def _settle(self) -> None:
        """Other processes' servers, or none at all, have the say."""
        newest = await self.database.read(self.serving.changes.newest)
        if newest == self._change:
            return
        if newest < self._change:
            log.warning("the database went back: changes are counted anew")
        more = True
        while more:
            more = await self.database.write(
                lambda tx: self.serving.settle(tx, newest), name="names are settled"
            )
        # Who does not come up to it is waited for, until it counts as dead.
        if not await self.database.read(lambda tx: self.serving.lags(tx, newest)):
            self._change = newest

    async def _failed(self, reason: str) -> float:
        """Note it once; how long to wait until the next try."""
        assert self.server is not None
        if reason != self._complaint:
            log.warning("the name server: %s", reason)
            self._complaint = reason
        await self.server.stop(keep=True)
        if self._failures:
            await self._leave()  # Not a hiccup: it is not at work, and nobody waits for it.
        self._change = 0
        self._failures += 1
        return backoff(self._failures, first=0.1, most=30.0)
