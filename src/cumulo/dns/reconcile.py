"""The loops that keep name servers as the rows are: the cloud's own, and those of pools.

The server is started when there is a zone for the first time. It has nothing then, and gets all
zones page by page; from then on what was touched since the number that it has. What it has taken
over is written down, which is what makes zones ACTIVE. A server that fails is started again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.sim.points import reach
from cumulo.core.work import pools
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup
from cumulo.dns.model.change import ServerRow
from cumulo.dns.model.nameserver import NameServer, NameServerFailed
from cumulo.dns.model.pool import Pool, PoolZone, TargetRefused
from cumulo.dns.model.transferred import Fetch, Received
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.nameserver.feed import All
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.lanes import Lanes
from cumulo.dns.service.serving import Serving, TooFarBehind

log = logging.getLogger("cumulo.dns")

SWEEP_SECONDS = 5.0
HEARTBEAT_SECONDS = 10.0
RENAMED_AT_ONCE = 50
"""Zones in one transaction: it is on the loop."""
MOST_NOTIFIED = 1000
AT_ONCE = 8
"""Steps with others' servers: each of them may take a thread for as long as they are silent."""
IN_ONE_POOL = 4
ELSEWHERE_SECONDS = 60.0
"""How often zones are looked for that wait for servers that their pool has no more."""


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
        self._notified: dict[str, str] = {}
        """Zones of which somebody says that they have changed, and who."""
        if server is not None:
            server.notified = self.hear
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
                    await self._ask_masters()
                    await self.once()
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
        if len(self._notified) < MOST_NOTIFIED:
            self._notified[name] = address
            self.wakeup.ring()

    async def _ask_masters(self) -> None:
        """Zones whose masters have something new are fetched now."""
        heard, self._notified = self._notified, {}
        if heard:
            await self.database.write(
                lambda tx: self.serving.zones.notified(tx, heard), name="masters have news"
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
            if not await self.database.read(self.serving.zones.count):
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
            number, steps = await self.database.read(
                lambda tx: self.serving.news(tx, self.server_id, since)
            )
        except TooFarBehind:
            await self._load()
            return
        if number == since:
            if time.monotonic() - self._heard > HEARTBEAT_SECONDS:
                await self._note(number)
            return
        if steps:
            await self.server.send(steps)
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
        await self.server.stop()
        if self._failures:
            await self._leave()  # Not a hiccup: it is not at work, and nobody waits for it.
        self._change = 0
        self._failures += 1
        return backoff(self._failures, first=0.1, most=30.0)


class SecondaryTransfers:
    """Fetches secondary zones from their masters, when they are new and when they are due."""

    name = "secondary zones"
    overlaps = AT_ONCE

    def __init__(self, database: Database, dns: DnsService, fetch: Fetch) -> None:
        self._database = database
        self._dns = dns
        self._fetch = fetch
        self._lanes = Lanes(self.overlaps, each=1)
        """One zone of a project at a time: whose masters hang keeps nobody else waiting."""

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._lanes.chosen(lambda but, most: self._dns.zones.due(tx, most, but), most)

    async def step(self, id: str) -> None:
        row = await self._database.read(lambda tx: tx.get(ZoneRow, id))
        if row is None or not row.wanted:
            return
        serial = row.serial if row.transferred_at is not None else None
        with self._lanes.taken(row.project_id) as there:
            if not there:
                return  # It is asked for again when one ends.
            received = await pools.STRANGERS(self._fetch, row.name, row.masters, serial)
        await self._database.write(
            lambda tx: self._taken(tx, id, received), name="secondary zone transferred"
        )

    def _taken(self, tx: Tx, id: str, received: Received | None) -> None:
        row = tx.get(ZoneRow, id)
        if row is None or not row.wanted:
            return
        if received is None:
            self._dns.secondaries.current(tx, row)
        else:
            self._dns.secondaries.take(tx, row, received)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """A zone that was never there is an ERROR; another one is answered from what there is."""
        row = tx.get(ZoneRow, id)
        if row is None:
            return
        row = self._dns.zones.put_off(tx, row, reason, refused=row.transferred_at is None)
        heard = row.transferred_at
        if heard is not None and not row.expired and row.wanted:
            age = seconds_of(tx.now) - seconds_of(heard)
            if age > row.expire:
                self._dns.zones.expire(tx, row)


class PoolNames:
    """Gives zones the names that the servers of their pool have now, some at a time."""

    name = "names of pools"

    def __init__(self, database: Database, dns: DnsService) -> None:
        self._database = database
        self._dns = dns

    def due(self, tx: Tx, most: int) -> list[str]:
        return [pool.id for pool in self._dns.pools.renamed(tx)[:most]]

    async def step(self, id: str) -> None:
        more = True
        while more:
            more = await self._database.write(
                lambda tx: self._dns.zones.rename_servers(tx, id, RENAMED_AT_ONCE),
                name="zones follow their pool",
            )
            await asyncio.sleep(0)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """Where it stopped is noted: the next pass goes on from there."""


class PoolSync:
    """Makes the servers of pools have their zones: told of each change, and asked for the serial
    number until it is the zone's. Who is away catches up when it is back."""

    name = "pools"
    overlaps = AT_ONCE

    def __init__(self, database: Database, dns: DnsService) -> None:
        self._database = database
        self._dns = dns
        self._lanes = Lanes(self.overlaps, each=IN_ONE_POOL)
        """By pool: one that is away keeps no other one's zones waiting."""
        self._looked = -ELSEWHERE_SECONDS

    def due(self, tx: Tx, most: int) -> list[str]:
        zones, full = self._dns.zones, self._lanes.full()
        with_servers = [pool.id for pool in self._dns.pools.fixed if not pool.alone]
        found: list[tuple[str, float]] = []
        for pool_id in with_servers:
            if pool_id not in full:
                found += zones.due_in_pool(tx, pool_id, IN_ONE_POOL)
        now = time.monotonic()
        if now - self._looked >= ELSEWHERE_SECONDS:
            others = zones.due_elsewhere(tx, [*with_servers, *full], most)
            self._looked = self._looked if others else now
            found += others
        return [id for id, _ in sorted(found, key=lambda each: each[1])][:most]

    async def step(self, id: str) -> None:
        found = await self._database.read(lambda tx: self._read(tx, id))
        if found is None:
            return
        row, zone, pool = found
        with self._lanes.taken(row.pool_id) as there:
            if not there:
                return  # It is asked for again when one ends.
            # All of them, whoever is away.
            told = await asyncio.gather(
                *(t.remove(row.name) if zone is None else t.ensure(zone) for t in pool.targets),
                return_exceptions=True,
            )
        for failed in told:
            if isinstance(failed, BaseException):
                raise failed
        await self._database.write(
            lambda tx: self._done(tx, id, row.change), name="pool has the zone"
        )

    def _read(self, tx: Tx, id: str) -> tuple[ZoneRow, PoolZone | None, Pool] | None:
        row = tx.get(ZoneRow, id)
        if row is None:
            return None
        return row, self._dns.serving.texts(tx, row), self._dns.pools.get(tx, row.pool_id)

    def _done(self, tx: Tx, id: str, change: int) -> None:
        row = tx.get(ZoneRow, id)
        if row is not None:
            self._dns.zones.mirrored(tx, row, change)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(ZoneRow, id)
        if row is not None:
            refused = reason.startswith(TargetRefused.__name__)
            self._dns.zones.put_off(tx, row, reason, refused=refused, pool=True)
