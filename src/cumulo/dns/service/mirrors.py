"""Zones on the servers of their pool: what those are to be told, and what they have."""

from collections.abc import Sequence

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.work.reconciler import backoff
from cumulo.dns import serials
from cumulo.dns.model.pool import Pool, PoolNamesRow
from cumulo.dns.model.state import state_of
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import pool as pool_queries
from cumulo.dns.queries import recordset as recordset_queries
from cumulo.dns.queries import zone as queries
from cumulo.dns.service.refusals import not_found
from cumulo.dns.service.zones import Zones


class Mirrors:
    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def due_in_pool(self, tx: Tx, pool: Pool, most: int) -> list[tuple[str, float]]:
        """Zones that a pool's servers are to be told of, and since when. Only those that fetch them
        wait for the cloud's own name servers."""
        wanted = queries.DUE_TO_FETCH if pool.fetches else queries.DUE_IN_POOL
        return tx.tuples(wanted, now=seconds_of(tx.now), pool_id=pool.id, most=most)

    def due_elsewhere(self, tx: Tx, pool_ids: Sequence[str], most: int) -> list[tuple[str, float]]:
        """The same, of all pools but these."""
        now = seconds_of(tx.now)
        return tx.tuples(queries.DUE_ELSEWHERE, now=now, pool_ids=["", *pool_ids], most=most)

    def mirrored(self, tx: Tx, row: ZoneRow, change: int) -> None:
        """The servers of its pool have it up to a change's number."""
        later = row.change > change
        due = self._zones.soon(tx, row.pool_id) if later else 0.0
        if row.pool_attempts:  # They were away, and are back: others need not wait any longer.
            moment = seconds_of(tx.now)
            tx.run(queries.POOL_IS_BACK, of_pool=row.pool_id, moment=moment)
        row = self._zones.stored(
            tx, row, mirrored=change, pool_due=due, pool_attempts=0, pool_fault=None
        )
        if later:
            return
        if not row.wanted and row.served >= row.change:
            self._zones.remove(tx, row)
            return
        action, status = state_of(wanted=True, change=change, served=change)
        tx.run(
            recordset_queries.SERVED_OF,
            of_zone=row.id,
            upto=min(row.served, change),
            new_action=action,
            new_status=status,
        )

    def put_off(self, tx: Tx, row: ZoneRow, reason: str, *, refused: bool) -> None:
        """Again later, longer and longer. Who is only away is no fault."""
        again = seconds_of(tx.now) + backoff(row.pool_attempts, first=1.0, most=300.0)
        fault = reason[:1000] if refused else row.pool_fault
        if fault != row.pool_fault:
            self._zones.fails(tx, row, reason)
        self._zones.stored(
            tx, row, pool_fault=fault, pool_due=again, pool_attempts=row.pool_attempts + 1
        )

    def wait(self, tx: Tx, row: ZoneRow, seconds: float) -> None:
        """They are told again a little later."""
        self._zones.stored(tx, row, pool_due=seconds_of(tx.now) + seconds)

    def follow_pool(self, tx: Tx, pool_id: str, most: int) -> bool:
        """Some of the zones of a pool get the names that its servers have now, and come to those
        servers that it has now; True: there are more of them."""
        pool = self._zones.pools.find(tx, pool_id)
        if pool is None:
            return False
        row = tx.get(PoolNamesRow, pool_id)
        if row is None:
            row = PoolNamesRow(pool_id, pool.nameservers, "", pool.identities, "")
            tx.insert(row)
        if row.nameservers != pool.nameservers:
            row = tx.update(row, nameservers=pool.nameservers, after="")
        if row.targets != pool.identities:
            row = tx.update(row, targets=pool.identities, told="")
        if row.after is not None:
            return self._rename(tx, row, most)
        return row.told is not None and self._tell_all(tx, row, most)

    def _rename(self, tx: Tx, row: PoolNamesRow, most: int) -> bool:
        page = tx.all(pool_queries.ZONES_AFTER, pool_id=row.id, id=row.after, most=most)
        for zone in page:
            if zone.wanted and zone.type == "PRIMARY" and self._zones.tops.write_ns(tx, zone):
                self._zones.touch(tx, zone)
        row = tx.update(row, after=page[-1].id if len(page) == most else None)
        return row.after is not None or row.told is not None

    def _tell_all(self, tx: Tx, row: PoolNamesRow, most: int) -> bool:
        """Whatever the servers had that were there before."""
        page = tx.all(pool_queries.ZONES_AFTER, pool_id=row.id, id=row.told, most=most)
        for zone in page:
            if zone.type == "PRIMARY" or zone.transferred_at is not None:
                self._tell_again(tx, zone)
        row = tx.update(row, told=page[-1].id if len(page) == most else None)
        return row.told is not None

    def _tell_again(self, tx: Tx, zone: ZoneRow) -> None:
        again = self._zones.to_pool(tx, zone.pool_id, zone)
        if again["pool_due"]:
            # Less than any change's number, and more than that of a zone that they never had.
            again["mirrored"] = min(1, again["mirrored"])
        self._zones.stored(tx, zone, **again)
        tx.after_commit(self._zones.changes.announcement)

    def shown(self, tx: Tx) -> list[tuple[Pool, int, bool]]:
        """Pools with servers of their own: how many zones wait for those, and whether they are to
        be told of all."""
        told = {row.id: row for row in self._zones.pools.told(tx)}
        found = []
        for pool in self._zones.pools.fixed:
            if not pool.alone:
                row = told.get(pool.id)
                waiting = int(tx.value(queries.WAITING, pool_id=pool.id))
                found.append((pool, waiting, row is None or row.told is not None))
        return found

    def tell_again(self, tx: Tx, name: str) -> None:
        """The servers of a pool, or of all, are to be told all zones."""
        pools = [pool for pool in self._zones.pools.fixed if not pool.alone]
        chosen = [pool for pool in pools if name in ("", pool.name)]
        if name and not chosen:
            raise not_found("Pool with servers of its own", "pool")
        for pool in chosen:
            row = tx.get(PoolNamesRow, pool.id)
            if row is not None:
                tx.update(row, told="")
        tx.after_commit(self._zones.changes.announcement)

    def page(self, tx: Tx, pool_id: str, last: str, most: int) -> list[ZoneRow]:
        return tx.all(pool_queries.ZONES_AFTER, pool_id=pool_id, id=last, most=most)

    def differ(self, tx: Tx, zones: Sequence[tuple[ZoneRow, Sequence[int]]]) -> None:
        """Servers that should have these zones have others, of these serial numbers, or none: they
        were rebuilt, or know of a later past than this database."""
        for asked, found in zones:
            self._differs(tx, asked, found)

    def _differs(self, tx: Tx, asked: ZoneRow, found: Sequence[int]) -> None:
        row = tx.get(ZoneRow, asked.id)
        if row is None or row.change != asked.change or not is_settled(row):
            return
        newer = [each for each in found if serials.is_newer(each, row.serial)]
        if newer and row.type == "PRIMARY":
            self._zones.touch(tx, tx.update(row, serial=max(newer)))
        else:
            self._tell_again(tx, row)


def is_settled(row: ZoneRow) -> bool:
    """All is told: its pool's servers should have it as it is."""
    return row.wanted and not row.expired and row.mirrored >= row.change and not row.pool_due


def pools_to_follow(pools: Sequence[Pool], told: Sequence[PoolNamesRow]) -> list[Pool]:
    """Those whose zones may not have the names of its servers yet, or not be on all of them."""
    known = {row.id: row for row in told}
    found = []
    for pool in pools:
        row = known.get(pool.id)
        if (
            row is None
            or row.after is not None
            or row.told is not None
            or row.nameservers != pool.nameservers
            or row.targets != pool.identities
        ):
            found.append(pool)
    return found
