"""Zones on the servers of pools that are not the cloud's own."""

import asyncio
import logging
import time
from collections.abc import Sequence

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.work.lanes import Lanes
from cumulo.dns.model.pool import (
    Pool,
    PoolNamesRow,
    PoolZone,
    Target,
    TargetAway,
    TargetLacks,
    TargetRefused,
)
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.mirrors import is_settled, pools_to_follow

log = logging.getLogger("cumulo.dns")

RENAMED_AT_ONCE = 50
"""Zones in one transaction: it is on the loop."""
AT_ONCE = 8
"""Steps with others' servers."""
IN_ONE_POOL = 4
LACKS_AFTER = 5
"""Tries after which a server that was told of a zone, and does not have it, is said to refuse."""
LOOKED_AT, LOOKED_AT_ONCE = 100, 4
"""Zones of a pool that are asked for in one step; pools at a time."""
LOOK_SECONDS, LOOK_AGAIN_SECONDS = 3600.0, 60.0
SETTINGS_SECONDS = 2.0
ELSEWHERE_SECONDS = 60.0
"""How often zones are looked for that wait for servers that their pool has no more."""


class PoolNames:
    """Gives zones the names that the servers of their pool have now, and tells all of them to
    servers that have come to it, some at a time."""

    name = "names of pools"

    def __init__(self, database: Database, dns: DnsService) -> None:
        self._database = database
        self._dns = dns

    def due(self, tx: Tx, most: int) -> list[str]:
        pools = self._dns.pools
        return [pool.id for pool in pools_to_follow(pools.all(tx), pools.told(tx))[:most]]

    async def step(self, id: str) -> None:
        more = True
        while more:
            more = await self._database.write(
                lambda tx: self._dns.mirrors.follow_pool(tx, id, RENAMED_AT_ONCE),
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
        self._lanes = Lanes(self.overlaps, each=IN_ONE_POOL, patient=True)
        """By pool: one that is away keeps no other one's zones waiting."""
        self._looked = -ELSEWHERE_SECONDS

    def due(self, tx: Tx, most: int) -> list[str]:
        mirrors, full = self._dns.mirrors, self._lanes.full()
        with_servers = [pool for pool in self._dns.pools.fixed if not pool.alone]
        found: list[tuple[int, float, str]] = []
        """The first one of each pool goes before any pool's second one."""
        for pool in with_servers:
            if pool.id not in full:
                rows = mirrors.due_in_pool(tx, pool, IN_ONE_POOL)
                found += [(place, since, id) for place, (id, since) in enumerate(rows)]
        now = time.monotonic()
        if now - self._looked >= ELSEWHERE_SECONDS:
            others = mirrors.due_elsewhere(tx, [*(each.id for each in with_servers), *full], most)
            self._looked = self._looked if others else now
            found += [(0, since, id) for id, since in others]
        return [id for _, _, id in sorted(found)][:most]

    async def step(self, id: str) -> None:
        found = await self._database.read(lambda tx: self._read(tx, id))
        if found is None:
            return
        row, zone, pool = found
        gone = not row.wanted or row.expired
        with self._lanes.taken(row.pool_id) as there:
            if not there:
                return  # It is asked for again when one ends.
            # All of them, whoever is away.
            told = await asyncio.gather(
                *(each.remove(zone) if gone else each.ensure(zone) for each in pool.targets),
                return_exceptions=True,
            )
            _raise_worst([each for each in told if isinstance(each, BaseException)])
        await self._database.write(lambda tx: self._done(tx, row, pool), name="pool has the zone")

    def _read(self, tx: Tx, id: str) -> tuple[ZoneRow, PoolZone, Pool] | None:
        row = tx.get(ZoneRow, id)
        if row is None:
            return None
        pool = self._dns.pools.get(tx, row.pool_id)
        whole = any(each.whole for each in pool.targets) and row.wanted and not row.expired
        owner = self._dns.mark(tx)
        return row, self._dns.serving.texts(tx, row, whole=whole, owner=owner), pool

    def _done(self, tx: Tx, told: ZoneRow, pool: Pool) -> None:
        row = tx.get(ZoneRow, told.id)
        if row is None or row.pool_id != told.pool_id:
            return
        names = tx.get(PoolNamesRow, row.pool_id)
        if pool.id == row.pool_id and names is not None and names.targets != pool.identities:
            # Another process has other settings, newer or older ones: until they are the same
            # nobody knows whether these were all of its servers.
            self._dns.mirrors.wait(tx, row, SETTINGS_SECONDS)
        else:
            self._dns.mirrors.mirrored(tx, row, told.change)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(ZoneRow, id)
        if row is not None:
            refused = reason.startswith(TargetRefused.__name__) or (
                reason.startswith(TargetLacks.__name__) and row.pool_attempts >= LACKS_AFTER
            )
            self._dns.mirrors.put_off(tx, row, reason, refused=refused)


def _raise_worst(failures: Sequence[BaseException]) -> None:
    """What several servers say, as one: who refuses before who is away."""
    for kind in (TargetRefused, TargetLacks, TargetAway):
        if any(isinstance(each, kind) for each in failures):
            others = [each for each in failures if not isinstance(each, kind)]
            first = [each for each in failures if isinstance(each, kind)]
            raise kind("; ".join(str(each) or repr(each) for each in (*first, *others)))
    for each in failures:
        raise each


class PoolSweep:
    """Asks the servers of pools now and then whether they have each zone: one that was rebuilt, or
    that knows of a later past than the database, says nothing of it by itself."""

    name = "pools are looked at"
    overlaps = LOOKED_AT_ONCE

    def __init__(self, database: Database, dns: DnsService) -> None:
        self._database = database
        self._dns = dns
        self._at: dict[tuple[str, str], tuple[str, float, float]] = {}
        """Of each server of a pool: up to which zone, when that began, when it goes on. One that is
        away keeps the others from nothing."""

    def again(self) -> None:
        """From the first zone on, at once."""
        self._at.clear()

    def due(self, tx: Tx, most: int) -> list[str]:
        return [pool.id for pool in self._dns.pools.fixed if self._to_ask(pool)][:most]

    def _to_ask(self, pool: Pool) -> list[Target]:
        now = time.monotonic()
        found = []
        for each in pool.targets:
            _, _, goes_on = self._at.get((pool.id, each.identity), ("", 0.0, 0.0))
            if goes_on <= now:
                found.append(each)
        return found

    async def step(self, id: str) -> None:
        pool = await self._database.read(lambda tx: self._dns.pools.get(tx, id))
        looks = [self._look(pool, each) for each in self._to_ask(pool)]
        for error in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(error, BaseException):
                raise error

    async def _look(self, pool: Pool, target: Target) -> None:
        """At the next zones of one server."""
        key, began = (pool.id, target.identity), time.monotonic()
        last, begun, _ = self._at.get(key, ("", began, 0.0))
        page = await self._database.read(
            lambda tx: self._dns.mirrors.page(tx, pool.id, last, LOOKED_AT)
        )
        asked = [row for row in page if is_settled(row)]
        found, away = await self._serials(target, asked)
        differs = [
            (row, [] if serial is None else [serial])
            for row, serial in zip(asked, found, strict=False)
            if serial != row.serial
        ]
        if differs:
            log.info("pool %s: %d zones are not there as they should be", pool.name, len(differs))
            await self._database.write(
                lambda tx: self._dns.mirrors.differ(tx, differs), name="pool is told again"
            )
        if away:
            self._at[key] = (last, begun, time.monotonic() + LOOK_AGAIN_SECONDS)
        elif len(page) == LOOKED_AT:
            self._at[key] = (page[-1].id, begun, 0.0)
        else:
            self._at[key] = ("", begun, begun + LOOK_SECONDS)

    async def _serials(
        self, target: Target, rows: Sequence[ZoneRow]
    ) -> tuple[list[int | None], bool]:
        """What it has of each, and whether it went away meanwhile. A question may be lost."""
        found: list[int | None] = []
        for row in rows:
            try:
                try:
                    found.append(await target.serial(row.name))
                except TargetAway:
                    found.append(await target.serial(row.name))
            except (TargetAway, TargetRefused):
                return found, True
        return found, False

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        now = time.monotonic()
        for each in self._dns.pools.get(tx, id).targets:
            self._at[id, each.identity] = ("", now, now + LOOK_AGAIN_SECONDS)
