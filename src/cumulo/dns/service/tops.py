"""What is at the top of a zone that is not fetched from elsewhere: its SOA, and the names of its
pool's servers (NS). Both are the cloud's to write."""

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_id
from cumulo.dns import names, rdata
from cumulo.dns.model.recordset import RecordsetRow, recordset_state
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import recordset as recordset_queries
from cumulo.dns.service.changes import Changes
from cumulo.dns.service.pools import Pools


class Tops:
    def __init__(self, changes: Changes, pools: Pools) -> None:
        self._changes = changes
        self._pools = pools

    def add(self, tx: Tx, row: ZoneRow) -> ZoneRow:
        text, wire = self._soa_of(tx, row)
        servers = list(self._pools.get(tx, row.pool_id).nameservers)
        ns = rdata.pack([names.wire(server) for server in servers])
        self._insert(tx, row, "SOA", [text], rdata.pack([wire]))
        self._insert(tx, row, "NS", servers, ns)
        return tx.update(row, recordsets=2)

    def _insert(self, tx: Tx, zone: ZoneRow, kind: str, texts: list[str], wire: bytes) -> None:
        row = RecordsetRow(
            id=new_id(),
            zone_id=zone.id,
            project_id=zone.project_id,
            name=zone.name,
            type=kind,
            ttl=None,
            records=texts,
            wire=wire,
            description=None,
            managed=True,
            change=zone.change,
            served=0,
            action="CREATE",
            status="PENDING",
            version=1,
            shown=zone.shown,
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)

    def _soa_of(self, tx: Tx, row: ZoneRow) -> tuple[str, bytes]:
        times = (row.refresh, row.retry, row.expire, row.minimum)
        return rdata.soa(
            self._pools.get(tx, row.pool_id).nameservers[0], row.email, row.serial, times
        )

    def write_ns(self, tx: Tx, zone: ZoneRow) -> bool:
        row = tx.one(recordset_queries.ONE, zone_id=zone.id, name=zone.name, type="NS")
        servers = list(self._pools.get(tx, zone.pool_id).nameservers)
        if row is None or row.records == servers:
            return False
        wire = rdata.pack([names.wire(server) for server in servers])
        number = self._changes.note(tx, zone.id, zone.name, "NS")
        row = msgspec.structs.replace(row, change=number)
        action, status = recordset_state(row)
        tx.update(row, records=servers, wire=wire, change=number, action=action, status=status)
        return True

    def write_soa(self, tx: Tx, zone: ZoneRow) -> None:
        row = tx.one(recordset_queries.ONE, zone_id=zone.id, name=zone.name, type="SOA")
        if row is None:  # an administrator's hand was in the database
            return
        text, wire = self._soa_of(tx, zone)
        self._changes.note(tx, zone.id, zone.name, "SOA")
        row = msgspec.structs.replace(row, change=zone.change)
        action, status = recordset_state(row)
        tx.update(
            row,
            records=[text],
            wire=rdata.pack([wire]),
            change=zone.change,
            action=action,
            status=status,
            version=row.version + 1,
            updated_at=tx.now,
        )
