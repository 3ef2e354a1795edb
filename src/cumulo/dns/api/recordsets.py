"""Sets of records on the wire: DNS API v2, `recordsets` of a zone and of all."""

from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.api.zones import target_of
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.service import checks
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.recordsets import RecordsetWish
from cumulo.dns.service.refusals import InvalidObject, bad_request, missing, not_found, wrong
from cumulo.dns.service.scope import Scope

NEW = ("name", "type", "ttl", "description", "records")
WRITABLE = ("ttl", "description", "records")


class RecordsetRequest(StrictBody):
    """A set of records as clients send it."""

    id: Any = UNSET
    zone_id: Any = UNSET
    project_id: Any = UNSET
    name: Any = UNSET
    zone_name: Any = UNSET
    type: Any = UNSET
    records: Any = UNSET
    description: Any = UNSET
    ttl: Any = UNSET
    status: Any = UNSET
    action: Any = UNSET
    version: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET
    links: Any = UNSET


def recordset_body(call: Call, row: RecordsetRow, zone: ZoneRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "zone_id": row.zone_id,
        "project_id": row.project_id,
        "name": row.display,
        "zone_name": zone.display,
        "type": row.type,
        "records": row.records,
        "description": row.description,
        "ttl": row.ttl,
        "status": row.status,
        "action": row.action,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "links": {"self": common.link(call, "zones", row.zone_id, "recordsets", row.id)},
    }


class RecordsetsApi:
    def __init__(self, dns: DnsService) -> None:
        self._dns = dns
        self._zones = dns.zones
        self._recordsets = dns.recordsets

    def operations(self) -> list[Operation]:
        many = "/v2/zones/{zone_id}/recordsets"
        one = f"{many}/{{recordset_id}}"
        late: dict[str, Any] = {"early": False}
        body: dict[str, Any] = {"body": RecordsetRequest}
        # What may not be changed at all is refused whatever the body is.
        any_body: dict[str, Any] = {"body": RecordsetRequest | list[Any]}
        return [
            Operation("GET", "/v2/recordsets", self.index_all, policy="find_recordsets", **late),
            Operation(
                "GET", "/v2/recordsets/{recordset_id}", self.place, policy="get_recordset", **late
            ),
            Operation("GET", many, self.index, policy="find_recordsets", **late),
            Operation("POST", many, self.create, policy="create_recordset", **body, **late),
            Operation("GET", one, self.show, policy="get_recordset", **late),
            Operation("PUT", one, self.update, policy="update_recordset", **any_body, **late),
            Operation("DELETE", one, self.delete, policy="delete_recordset", status=202, **late),
        ]

    def _zone(self, call: Call, tx: Tx, scope: Scope) -> ZoneRow:
        return self._zones.get(tx, call.path["zone_id"], scope)

    def _found(self, call: Call, tx: Tx, scope: Scope) -> tuple[ZoneRow, RecordsetRow]:
        """The zone and the set of the path, with the operation's own rule checked."""
        zone = self._zone(call, tx, scope)
        row = self._recordsets.get(tx, zone.id, call.path["recordset_id"])
        target = target_of(self._dns, tx, zone, scope)
        call.allow({**target, "recordset_project_id": row.project_id})
        return zone, row

    def place(self, call: Call, tx: Tx) -> Reply:
        """Where a set is whose zone somebody does not know."""
        scope = common.scope_of(call)
        row = tx.get(RecordsetRow, call.path["recordset_id"])
        if row is None:
            raise not_found("RecordSet", "recordset")
        zone = self._zones.get(tx, row.zone_id, scope)
        target = target_of(self._dns, tx, zone, scope)
        call.allow({**target, "recordset_project_id": row.project_id})
        body = recordset_body(call, row, zone)
        return Reply(301, body, {"Location": body["links"]["self"]})

    # --- lists ------------------------------------------------------------------------------

    def _where(self, call: Call) -> dict[str, Any]:
        where = common.filters_of(
            call, ("type", "ttl", "status", "data"), ("description",), ("name",)
        )
        common.named(where, call)
        common.number_filter(where, "ttl")
        if "data" in where:
            # In the JSON of the records each is in quotes, and quotes in it are escaped.
            data = where["data"].replace("\\", "\\\\").replace('"', '\\"')
            where["data"] = f'%"{common.pattern_of(data)}"%'
        return where

    def _page(self, call: Call, tx: Tx, where: dict[str, Any]) -> Any:
        listing = self._recordsets.listing
        rows = common.page_of(call, tx, listing, where, lambda id: self._marker(tx, id, where))
        zones = self._zones.many(tx, list({row.zone_id for row in rows}))
        items = [recordset_body(call, row, zones[row.zone_id]) for row in rows]
        total = common.counted(call, lambda: listing.count(tx, where))
        return common.page_body(call, "recordsets", items, total, rows[-1].id if rows else None)

    def _marker(self, tx: Tx, id: str, where: dict[str, Any]) -> RecordsetRow | None:
        row = tx.get(RecordsetRow, id)
        if row is None or any(
            name in where and where[name] != getattr(row, name)
            for name in ("zone_id", "project_id")
        ):
            return None
        return row

    def index_all(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        call.allow()
        where = self._where(call)
        if not scope.all_projects:
            where["project_id"] = scope.project_id or ""
        return self._page(call, tx, where)

    def index(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        call.allow()
        zone = self._zone(call, tx, scope)
        return self._page(call, tx, {**self._where(call), "zone_id": zone.id})

    # --- one --------------------------------------------------------------------------------

    def create(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        zone = self._zone(call, tx, scope)
        call.allow(target_of(self._dns, tx, zone, scope))
        values = common.changes_of(call.body, {}, NEW, "recordset")
        for name in ("name", "type", "records"):
            if name not in values:
                raise missing(name)
        kind = checks.type_of(values["type"])
        name = checks.name_of("name", values["name"], wildcard=True)
        if kind == "SOA":
            raise bad_request("Creating a SOA recordset is not allowed")
        texts, wire = checks.records_of(kind, values["records"])
        wish = RecordsetWish(
            name=name,
            type=kind,
            records=texts,
            wire=wire,
            shown=checks.shown_of(values["name"], name),
            **self._plain(values, scope),
        )
        row = self._recordsets.create(tx, zone, wish, scope)
        body = recordset_body(call, row, zone)
        status = 202 if row.status == "PENDING" else 201
        return Reply(status, body, {"Location": body["links"]["self"]})

    def _plain(self, values: dict[str, Any], scope: Scope) -> dict[str, Any]:
        floor = self._dns.rules.least_ttl
        return {
            "ttl": checks.ttl_of(values.get("ttl"), least=0, floor=floor, low=scope.low_ttl),
            "description": checks.text_of(
                "description", values.get("description"), checks.MOST_DESCRIPTION
            ),
        }

    def show(self, call: Call, tx: Tx) -> Any:
        zone, row = self._found(call, tx, common.scope_of(call))
        return recordset_body(call, row, zone)

    def update(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        zone, row = self._found(call, tx, scope)
        if row.managed and not scope.edit_managed:
            raise bad_request("Managed records may not be updated")
        if row.type == "SOA":
            raise bad_request("Updating SOA recordsets is not allowed")
        if row.type == "NS" and row.name == zone.name:
            raise bad_request("Updating a root zone NS record is not allowed")
        if isinstance(call.body, list):
            raise InvalidObject(wrong([], "a list is no set of records", "type", "object"))
        shown = recordset_body(call, row, zone)
        values = common.changes_of(call.body, shown, WRITABLE, "recordset")
        plain = self._plain(values, scope)
        changed = {name: plain[name] for name in plain if name in values}
        if "records" in values:
            changed["records"], changed["wire"] = checks.records_of(row.type, values["records"])
        row = self._recordsets.update(tx, zone, row, changed, scope)
        status = 202 if row.status == "PENDING" else 200
        return Reply(status, recordset_body(call, row, zone))

    def delete(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        zone, row = self._found(call, tx, scope)
        if row.type == "NS" and row.name == zone.name:
            raise bad_request("Deleting a root zone NS record is not allowed")
        row = self._recordsets.delete(tx, zone, row, scope)
        return recordset_body(call, row, zone)
