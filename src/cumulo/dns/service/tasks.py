"""Imports of zone files, and exports. Both are done with the request that asks for them."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.ids import new_id
from cumulo.dns.model.task import TaskRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import nouns as queries
from cumulo.dns.queries import recordset as recordset_queries
from cumulo.dns.service.recordsets import Recordsets
from cumulo.dns.service.refusals import not_found
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zonefile import BadZoneFile, ZoneFile
from cumulo.dns.service.zones import Zones, ZoneWish

MOST_MESSAGE = 160
PAGE = 500


class Tasks:
    listing = queries.TASKS

    def __init__(self, zones: Zones, recordsets: Recordsets) -> None:
        self._zones = zones
        self._recordsets = recordsets

    def get(self, tx: Tx, kind: str, task_id: str, scope: Scope) -> TaskRow:
        row = tx.get(TaskRow, task_id)
        if row is None or row.type != kind or not scope.sees(row.project_id):
            noun = kind.lower()
            raise not_found(f"Zone{noun.capitalize()}", f"zone_{noun}")
        return row

    def delete(self, tx: Tx, row: TaskRow) -> None:
        tx.delete(row)

    def fail(self, tx: Tx, error: BadZoneFile, project_id: str) -> TaskRow:
        """A file that is none: the task says why."""
        return self._insert(tx, "IMPORT", project_id, None, error=str(error))

    def import_file(
        self, tx: Tx, file: ZoneFile, wish: ZoneWish, scope: Scope, project_id: str
    ) -> TaskRow:
        """A zone with all that is in a file. Raises a Fault when it cannot be; then nothing of it
        is made, and `refused` says so in another transaction."""
        zone = self._zones.create(tx, wish, scope)
        self._recordsets.fill(tx, zone, file.sets, scope)
        message = f"{zone.name} imported"
        return self._insert(tx, "IMPORT", project_id, zone.id, message=message)

    def refused(self, tx: Tx, fault: Fault, project_id: str) -> TaskRow:
        known = {
            "duplicate_zone": "Duplicate zone.",
            "over_quota": "Quota exceeded during zone import.",
        }
        text = known.get(fault.kind, fault.message)
        return self._insert(tx, "IMPORT", project_id, None, error=text)

    def export(self, tx: Tx, zone: ZoneRow, project_id: str) -> TaskRow:
        self._zones.refuse_over_quota(tx, zone.project_id, api_export_size=zone.recordsets)
        return self._insert(tx, "EXPORT", project_id, zone.id)

    def text(self, tx: Tx, zone: ZoneRow) -> str:
        """The zone as a master file (RFC 1035, 5)."""
        lines = [f"$ORIGIN {zone.display}", f"$TTL {zone.ttl}", ""]
        last = ""
        while True:
            page = tx.all(recordset_queries.OF_ZONE, zone_id=zone.id, id=last, most=PAGE)
            for row in sorted(page, key=lambda each: each.type != "SOA"):
                ttl = "" if row.ttl is None else f"{row.ttl} "
                lines += [f"{row.display} {ttl}IN {row.type} {text}" for text in row.records]
            if len(page) < PAGE:
                return "\n".join([*lines, ""])
            last = page[-1].id

    def _insert(
        self,
        tx: Tx,
        kind: Any,
        project_id: str,
        zone_id: str | None,
        *,
        message: str | None = None,
        error: str | None = None,
    ) -> TaskRow:
        for (old,) in tx.tuples(queries.OLD_TASKS, project_id=project_id, type=kind):
            done = tx.get(TaskRow, old)
            if done is not None:
                tx.delete(done)
        task_id = new_id()
        row = TaskRow(
            id=task_id,
            type=kind,
            project_id=project_id,
            zone_id=zone_id,
            status="COMPLETE" if error is None else "ERROR",
            message=message if error is None else error[:MOST_MESSAGE],
            location=f"designate://v2/zones/tasks/exports/{task_id}/export"
            if kind == "EXPORT"
            else None,
            created_at=tx.now,
            updated_at=tx.now,
        )
        tx.insert(row)
        return row
