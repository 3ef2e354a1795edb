"""Zones whose master is elsewhere: what came from there replaces what was here."""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_id
from cumulo.core.work.reconciler import backoff
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.transferred import Received
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import recordset as queries
from cumulo.dns.queries import zone as zone_queries
from cumulo.dns.service import checks
from cumulo.dns.service.zones import LATER, Zones

LEAST_PAUSE, MOST_PAUSE = 60, 86400
PAGE = 500


class Secondaries:
    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def due(self, tx: Tx, most: int, but: Collection[str]) -> list[tuple[str, str]]:
        """Zones whose masters are to be asked, and their projects, but for these projects'."""
        return tx.tuples(zone_queries.DUE, now=seconds_of(tx.now), but=["", *but], most=most)

    def notified(self, tx: Tx, heard: Mapping[str, Collection[str]]) -> list[ZoneRow]:
        """Those that are to be fetched now, or once more. `heard`: zones by name, and the addresses
        that say that there is something new. Of a master with a name it is not known whether he is
        one: he is asked, and that is all."""
        found = []
        for row in tx.all(zone_queries.NAMED, names=list(heard)):
            if row.type == "SECONDARY" and row.wanted:
                hosts = masters_of(row)
                if "" in hosts or not hosts.isdisjoint(heard[row.name]):
                    found.append(row)
        return found

    def fetch_now(self, tx: Tx, zone_ids: Sequence[str]) -> None:
        for row in self._zones.many(tx, zone_ids).values():
            if row.wanted:
                self._zones.transfer_now(tx, row, anew=False)

    def put_off(self, tx: Tx, row: ZoneRow, reason: str) -> None:
        """Its masters did not give it: again later, longer and longer. One that was never there is
        an ERROR; another one is answered from what there is, as long as its SOA says."""
        again = seconds_of(tx.now) + backoff(row.attempts, first=1.0, most=300.0)
        fault = reason[:1000] if row.transferred_at is None else row.fault
        if fault != row.fault:
            self._zones.fails(tx, row, reason)
        row = self._zones.stored(tx, row, fault=fault, due=again, attempts=row.attempts + 1)
        heard = row.transferred_at
        if heard is not None and not row.expired and row.wanted:
            age = seconds_of(tx.now) - seconds_of(heard)
            if age > row.expire:
                self._expire(tx, row)

    def _expire(self, tx: Tx, row: ZoneRow) -> None:
        """Nobody can say any more whether what is here is true: it is not answered for."""
        message = f"no master has been heard of for {row.expire} seconds"
        self._zones.fails(tx, row, message)
        change = self._zones.changes.note(tx, row.id)
        again = self._zones.to_pool(tx, row.pool_id, row)
        self._zones.stored(tx, row, expired=True, fault=message, change=change, **again)

    def _transferred(
        self, tx: Tx, row: ZoneRow, asked: ZoneRow, *, due: float, changed: dict[str, Any]
    ) -> None:
        """It is as its master had it when he was asked, for what was `asked` then. The first time
        it begins to be served."""
        if changed:
            changed = {**changed, "updated_at": tx.now}
        if row.expired:
            change = self._zones.changes.note(tx, row.id)
            changed = {**changed, "expired": False, "change": change}
        if changed:
            changed |= self._zones.to_pool(tx, row.pool_id, row)
        done: dict[str, Any] = {"attempts": 0, "fault": None, "transferred_at": tx.now}
        if row.due == asked.due:
            done["due"] = due
        # Else somebody wants it once more since then: that is still to be done.
        if asked.anew and row.due < asked.due + LATER:
            done["anew"] = False
        self._zones.stored(tx, row, **done, **changed)

    def current(self, tx: Tx, row: ZoneRow, asked: ZoneRow) -> None:
        """The master has nothing newer. `asked`: the zone as it was when he was asked."""
        self._transferred(tx, row, asked, due=_next(tx, row.refresh), changed={})

    def take(self, tx: Tx, row: ZoneRow, asked: ZoneRow, received: Received) -> None:
        """The zone as it is there now."""
        number = self._zones.changes.note(tx, row.id)
        known: dict[tuple[str, str], RecordsetRow] = {}
        last = ""
        while True:
            page = tx.all(queries.OF_ZONE, zone_id=row.id, id=last, most=PAGE)
            known.update({(each.name, each.type): each for each in page})
            if len(page) < PAGE:
                break
            last = page[-1].id
        for name, kind, ttl, texts, wire in received.sets:
            old = known.pop((name, kind), None)
            if old is not None and (old.wire, old.ttl) == (wire, ttl):
                continue
            if old is not None:
                tx.delete(old)
            tx.insert(_row(tx, row, old, number, (name, kind, ttl, texts, wire)))
        for gone in known.values():
            tx.delete(gone)
        changed = {
            "serial": received.serial,
            "refresh": received.refresh,
            "retry": received.retry,
            "expire": received.expire,
            "minimum": received.minimum,
            "email": received.email,
            "ttl": received.ttl,
            "change": number,
            "version": row.version + 1,
            "recordsets": len(received.sets),
            "records": sum(len(texts) for _, _, _, texts, _ in received.sets),
        }
        self._transferred(tx, row, asked, due=_next(tx, received.refresh), changed=changed)


def masters_of(row: ZoneRow) -> set[str]:
    """Addresses; an empty one stands for masters with names."""
    hosts = [checks.host_of(master) for master in row.masters]
    return {str(ip_address(host)) if checks.is_address(host) else "" for host in hosts}


def _next(tx: Tx, refresh: int) -> float:
    return seconds_of(tx.now) + min(max(refresh, LEAST_PAUSE), MOST_PAUSE)


def _row(
    tx: Tx,
    zone: ZoneRow,
    old: RecordsetRow | None,
    number: int,
    given: tuple[str, str, int, list[str], bytes],
) -> RecordsetRow:
    name, kind, ttl, texts, wire = given
    return RecordsetRow(
        id=new_id() if old is None else old.id,
        zone_id=zone.id,
        project_id=zone.project_id,
        name=name,
        type=kind,
        ttl=ttl,
        records=texts,
        wire=wire,
        description=None,
        managed=kind == "SOA",
        change=number,
        served=0 if old is None else old.served,
        action="CREATE" if old is None else "UPDATE",
        status="PENDING",
        version=1 if old is None else old.version + 1,
        shown=None,
        created_at=tx.now if old is None else old.created_at,
        updated_at=None if old is None else tx.now,
    )
