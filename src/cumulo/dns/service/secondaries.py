"""Zones whose master is elsewhere: what came from there replaces what was here."""

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_id
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.transferred import Received
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import recordset as queries
from cumulo.dns.service.zones import Zones

LEAST_PAUSE, MOST_PAUSE = 60, 86400
PAGE = 500


class Secondaries:
    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def current(self, tx: Tx, row: ZoneRow) -> None:
        """The master has nothing newer."""
        self._zones.transferred(tx, row, due=_next(tx, row.refresh), changed={})

    def take(self, tx: Tx, row: ZoneRow, received: Received) -> None:
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
        self._zones.transferred(tx, row, due=_next(tx, received.refresh), changed=changed)


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
