"""Sets of records: made, changed, deleted, with the rules of DNS on what may stand beside what."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.ids import new_id
from cumulo.dns import names
from cumulo.dns.model.recordset import RecordsetRow, recordset_state
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import recordset as queries
from cumulo.dns.service import checks
from cumulo.dns.service.refusals import bad_request, duplicate, not_found
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zones import Zones

MOST_SETS = 5000
"""In one import: some 0.2 s of the database."""


class RecordsetWish(msgspec.Struct, kw_only=True):
    """A new set, every part checked but for its place."""

    name: str
    type: str
    ttl: int | None
    records: list[str]
    wire: bytes
    description: str | None = None
    managed: bool = False
    shown: str | None = None
    """See the row."""


class Recordsets:
    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.listing = queries.LISTING

    def get(self, tx: Tx, zone_id: str, recordset_id: str) -> RecordsetRow:
        row = tx.get(RecordsetRow, recordset_id)
        if row is None or row.zone_id != zone_id:
            raise not_found("RecordSet", "recordset")
        return row

    def named(self, tx: Tx, zone_id: str, name: str, kind: str) -> RecordsetRow | None:
        return tx.one(queries.ONE, zone_id=zone_id, name=name, type=kind)

    def create(self, tx: Tx, zone: ZoneRow, wish: RecordsetWish, scope: Scope) -> RecordsetRow:
        self.zones.refuse_deleting(zone)
        self._check_place(tx, zone, wish)
        if wish.type == "NS":
            self._refuse_hiding(tx, zone, wish, scope)
        count = 0 if wish.managed else len(wish.records)
        self.zones.refuse_over_quota(
            tx,
            zone.project_id,
            zone_recordsets=zone.recordsets + 1,
            zone_records=zone.records + count,
            recordset_records=count,
        )
        zone = tx.update(zone, recordsets=zone.recordsets + 1, records=zone.records + count)
        number = self.zones.changes.note(tx, zone.id, wish.name, wish.type)
        row = self._insert(tx, zone, wish, scope, number)
        self.zones.touch(tx, zone)
        self._tell(tx, "create", row, scope)
        return row

    @staticmethod
    def _insert(
        tx: Tx, zone: ZoneRow, wish: RecordsetWish, scope: Scope, number: int
    ) -> RecordsetRow:
        row = RecordsetRow(
            id=new_id(),
            zone_id=zone.id,
            project_id=scope.project_id or zone.project_id,
            name=wish.name,
            type=wish.type,
            ttl=wish.ttl,
            records=wish.records,
            wire=wish.wire,
            description=wish.description,
            managed=wish.managed,
            change=number,
            served=0,
            action="CREATE",
            status="PENDING",
            version=1,
            shown=wish.shown,
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        return row

    def fill(self, tx: Tx, zone: ZoneRow, wishes: Sequence[RecordsetWish], scope: Scope) -> None:
        """Put all that a new zone is to have into it. The same rules, looked at all at once."""
        if len(wishes) > MOST_SETS:
            raise bad_request(f"A zone is made with at most {MOST_SETS} sets of records")
        count = sum(len(wish.records) for wish in wishes)
        self.zones.refuse_over_quota(
            tx,
            zone.project_id,
            zone_recordsets=zone.recordsets + len(wishes),
            zone_records=zone.records + count,
            recordset_records=max((len(wish.records) for wish in wishes), default=0),
        )
        aliases = {wish.name for wish in wishes if wish.type == "CNAME"}
        names_below = [row.name for row in self.zones.below(tx, zone)]
        seen: set[str] = set()
        for wish in wishes:
            self._check_in_zone(zone, wish)
            if wish.name in aliases and wish.name in seen:
                message = "CNAME recordsets may not share a name with any other records"
                raise bad_request(message, "invalid_recordset_location")
            seen.add(wish.name)
            child = next((each for each in names_below if names.within(wish.name, each)), None)
            if child is not None and (wish.type, wish.name) != ("NS", child):
                message = f"RecordSet belongs in a child zone: {child}"
                raise bad_request(message, "invalid_recordset_location")
        zone = tx.update(zone, recordsets=zone.recordsets + len(wishes), records=count)
        for wish in wishes:
            self._insert(tx, zone, wish, scope, zone.change)

    def update(
        self, tx: Tx, zone: ZoneRow, row: RecordsetRow, changed: Mapping[str, Any], scope: Scope
    ) -> RecordsetRow:
        """`changed`: ttl, description, records with wire, each checked."""
        self.zones.refuse_deleting(zone)
        if row.managed and not scope.edit_managed:
            raise bad_request("Managed records may not be updated")
        records = changed.get("records", row.records)
        self._refuse_two(row.type, records)
        more = 0 if row.managed else len(records) - len(row.records)
        if more > 0:
            self.zones.refuse_over_quota(
                tx,
                zone.project_id,
                zone_records=zone.records + more,
                recordset_records=len(records),
            )
        if more:
            zone = tx.update(zone, records=zone.records + more)
        told = changed.keys() != {"description"}
        number = self.zones.changes.number(tx)
        if told:
            self.zones.changes.note(tx, zone.id, row.name, row.type)
        changes = {**changed, "change": number, "version": row.version + 1, "updated_at": tx.now}
        action, status = recordset_state(msgspec.structs.replace(row, **changes))
        row = tx.update(row, **changes, action=action, status=status)
        self.zones.touch(tx, zone, told=told)
        self._tell(tx, "update", row, scope)
        return row

    def delete(self, tx: Tx, zone: ZoneRow, row: RecordsetRow, scope: Scope) -> RecordsetRow:
        """The row as it was, with what the API says of a set that goes."""
        self.zones.refuse_deleting(zone)
        if row.managed and not scope.edit_managed:
            raise bad_request("Managed records may not be deleted")
        if row.type == "SOA":
            raise bad_request("Deleting a SOA recordset is not allowed")
        count = 0 if row.managed else len(row.records)
        zone = tx.update(zone, recordsets=zone.recordsets - 1, records=zone.records - count)
        self.zones.changes.note(tx, zone.id, row.name, row.type)
        tx.delete(row)
        self.zones.touch(tx, zone)
        self._tell(tx, "delete", row, scope)
        return msgspec.structs.replace(row, action="DELETE", status="PENDING")

    # --- rules ------------------------------------------------------------------------------

    def _check_place(self, tx: Tx, zone: ZoneRow, wish: RecordsetWish) -> None:
        where = "invalid_recordset_location"
        self._check_in_zone(zone, wish)
        beside = tx.all(queries.NAMED, zone_id=zone.id, name=wish.name)
        if any(row.type == wish.type for row in beside):
            raise duplicate("RecordSet", "recordset")
        if any(row.type == "CNAME" for row in beside) or (wish.type == "CNAME" and beside):
            message = "CNAME recordsets may not share a name with any other records"
            raise bad_request(message, where)
        covering = self.zones.covering(tx, wish.name)
        if covering is not None and covering.id != zone.id:
            if (wish.type, wish.name) == ("NS", covering.name):
                return  # Other servers than the child's have to say where it is.
            raise bad_request(f"RecordSet belongs in a child zone: {covering.name}", where)

        if wish.type not in ("A", "AAAA"):
            above = [each for each in names.ancestors(wish.name) if names.within(each, zone.name)]
            between = above[:-1]
            cuts = tx.all(queries.CUTS, zone_id=zone.id, names=between) if between else ()
            if cuts:
                message = (
                    f"It is below the delegation of {cuts[0].name}: nobody would be told of it"
                )
                raise bad_request(message, where)

    @staticmethod
    def _refuse_hiding(tx: Tx, zone: ZoneRow, wish: RecordsetWish, scope: Scope) -> None:
        hidden = tx.one(
            queries.HIDDEN,
            zone_id=zone.id,
            name=wish.name,
            below="%." + wish.name.replace("_", "\\_"),
            project_id=scope.project_id or zone.project_id,
        )
        if hidden is not None:
            message = f"It would hide the {hidden.type} recordset of {hidden.name}"
            raise bad_request(message, "invalid_recordset_location")

    @classmethod
    def _check_in_zone(cls, zone: ZoneRow, wish: RecordsetWish) -> None:
        """What can be said of a set without looking at others."""
        where = "invalid_recordset_location"
        if len(wish.name) + 1 > names.MOST_BYTES:
            raise bad_request("A name is longer than 255 bytes", where)
        if not names.within(wish.name, zone.name):
            raise bad_request("RecordSet is not contained within it's parent zone", where)
        if wish.type == "CNAME" and wish.name == zone.name:
            raise bad_request("CNAME recordsets may not be created at the zone apex", where)
        cls._refuse_two(wish.type, wish.records)
        checks.owner_of(wish.type, wish.name)

    @staticmethod
    def _refuse_two(kind: str, records: list[str]) -> None:
        if kind == "CNAME" and len(records) > 1:
            raise bad_request("CNAME recordsets may not have more than 1 record")

    def _tell(self, tx: Tx, verb: str, row: RecordsetRow, scope: Scope) -> None:
        emit(
            tx,
            f"dns.recordset.{verb}",
            row.id,
            project_id=row.project_id,
            principal=scope.principal,
            request_id=scope.request_id,
            zone_id=row.zone_id,
            name=row.name,
            record_type=row.type,
        )
