"""Zones on the wire: DNS API v2, `zones` and their name servers."""

from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.service import checks
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.refusals import InvalidObject, missing, wrong
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zones import ZoneWish

NEW = ("name", "type", "email", "ttl", "description", "attributes", "masters")
WRITABLE = ("email", "ttl", "description", "masters", "attributes")
MOST_MASTERS = 32


class ZoneRequest(StrictBody):
    """A zone as clients send it; what is not theirs to say may be there as it was shown."""

    id: Any = UNSET
    pool_id: Any = UNSET
    project_id: Any = UNSET
    name: Any = UNSET
    email: Any = UNSET
    description: Any = UNSET
    ttl: Any = UNSET
    serial: Any = UNSET
    status: Any = UNSET
    action: Any = UNSET
    version: Any = UNSET
    attributes: Any = UNSET
    type: Any = UNSET
    masters: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET
    transferred_at: Any = UNSET
    shared: Any = UNSET
    links: Any = UNSET


def zone_body(call: Call, row: ZoneRow, shared: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "pool_id": row.pool_id,
        "project_id": row.project_id,
        "name": row.display,
        "email": row.email,
        "description": row.description,
        "ttl": row.ttl,
        "serial": row.serial,
        "status": row.status,
        "action": row.action,
        "version": row.version,
        "attributes": row.attributes,
        "type": row.type,
        "masters": row.masters,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "transferred_at": row.transferred_at,
        "shared": shared,
        "links": {"self": common.link(call, "zones", row.id)},
    }


def target_of(dns: DnsService, tx: Tx, row: ZoneRow, scope: Scope) -> dict[str, Any]:
    """What rules may look at."""
    own = row.project_id == scope.project_id or scope.all_projects
    shared = not own and dns.zones.is_shared_with(tx, row.id, scope.project_id)
    return {
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "zone_type": row.type,
        "zone_shared": str(shared),
    }


class ZonesApi:
    def __init__(self, dns: DnsService) -> None:
        self._dns = dns
        self._zones = dns.zones

    def operations(self) -> list[Operation]:
        one = "/v2/zones/{zone_id}"
        late: dict[str, Any] = {"early": False}
        body: dict[str, Any] = {"body": ZoneRequest}
        return [
            Operation("GET", "/v2/zones", self.index, policy="find_zones", **late),
            Operation("POST", "/v2/zones", self.create, policy="create_zone", **body, **late),
            Operation("GET", one, self.show, policy="get_zone", **late),
            Operation("PATCH", one, self.update, policy="update_zone", **body, **late),
            Operation("DELETE", one, self.delete, policy="delete_zone", status=202, **late),
            Operation(
                "GET",
                f"{one}/nameservers",
                self.nameservers,
                policy="get_zone_ns_records",
                **late,
            ),
        ]

    def found(self, call: Call, tx: Tx, scope: Scope) -> ZoneRow:
        """The zone of the path, with the operation's own rule checked on it."""
        row = self._zones.get(tx, call.path["zone_id"], scope)
        call.allow(target_of(self._dns, tx, row, scope))
        return row

    def _body(self, call: Call, tx: Tx, row: ZoneRow) -> dict[str, Any]:
        return zone_body(call, row, bool(self._zones.shared(tx, [row.id])))

    def index(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        call.allow()
        where = common.filters_of(
            call, ("type", "status", "ttl"), ("email", "description"), ("name",)
        )
        common.named(where, call)
        common.number_filter(where, "ttl")
        if not scope.all_projects:
            where["visible"] = scope.project_id or ""
        listing = self._zones.listing
        rows = common.page_of(call, tx, listing, where, lambda id: self._marker(tx, id, scope))
        shared = self._zones.shared(tx, [row.id for row in rows])
        items = [zone_body(call, row, row.id in shared) for row in rows]
        total = common.counted(call, lambda: listing.count(tx, where))
        return common.page_body(call, "zones", items, total, rows[-1].id if rows else None)

    def _marker(self, tx: Tx, zone_id: str, scope: Scope) -> ZoneRow | None:
        try:
            return self._zones.get(tx, zone_id, scope)
        except NotFound:
            return None

    def create(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        call.allow()
        wish = self._wish(call, tx, common.changes_of(call.body, {}, NEW, "zone"), scope)
        row = self._zones.create(tx, wish, scope)
        body = self._body(call, tx, row)
        status = 202 if row.status == "PENDING" else 201
        return Reply(status, body, {"Location": body["links"]["self"]})

    def _wish(self, call: Call, tx: Tx, values: dict[str, Any], scope: Scope) -> ZoneWish:
        if "name" not in values:
            raise missing("name")
        kind = values.get("type", "PRIMARY")
        if kind not in ("PRIMARY", "SECONDARY"):
            message = f"{kind!r:.60} is not one of ['PRIMARY', 'SECONDARY']"
            raise InvalidObject(wrong(["type"], message, "enum", ["PRIMARY", "SECONDARY"]))
        rules = self._dns.rules
        masters = masters_of(values.get("masters") or [])
        if kind == "PRIMARY":
            if masters:
                message = "'masters' has more items than allowed"
                raise InvalidObject(wrong(["masters"], message, "maxItems", ["masters"]))
            if "email" not in values:
                raise missing("email")
            email = checks.email_of(values["email"])
        else:
            if not masters:
                raise missing("masters")
            for name in ("email", "ttl"):
                if name in values:
                    message = f"'{name}' can't be specified when type is SECONDARY"
                    raise InvalidObject(wrong([name], message, "not_allowed", name))
            email = rules.email
        attributes = checks.attributes_of(values.get("attributes") or {})
        name = checks.name_of("name", values["name"])
        return ZoneWish(
            pool_id=pool_for(self._dns, call, tx, attributes),
            name=name,
            shown=checks.shown_of(values["name"], name),
            type=kind,
            email=email,
            ttl=self._ttl(values.get("ttl"), scope),
            description=checks.text_of(
                "description", values.get("description"), checks.MOST_DESCRIPTION
            ),
            attributes=attributes,
            masters=masters,
        )

    def _ttl(self, value: Any, scope: Scope) -> int:
        rules = self._dns.rules
        ttl = checks.ttl_of(value, least=0, floor=rules.least_ttl, low=scope.low_ttl)
        return rules.default_ttl if ttl is None else ttl

    def show(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx, common.scope_of(call))
        return self._body(call, tx, row)

    def update(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        row = self.found(call, tx, scope)
        self._zones.refuse_deleting(row)
        values = common.changes_of(call.body, self._body(call, tx, row), WRITABLE, "zone")
        changed: dict[str, Any] = {}
        for name in ("email", "ttl", "masters"):
            allowed = (name == "masters") == (row.type == "SECONDARY")
            if name in values and not allowed and values[name] != getattr(row, name):
                message = f"'{name}' can't be specified when type is {row.type}"
                raise InvalidObject(wrong([name], message, "not_allowed", name))
        if "email" in values:
            changed["email"] = checks.email_of(values["email"])
        if "ttl" in values:
            changed["ttl"] = self._ttl(values["ttl"], scope)
        if "description" in values:
            changed["description"] = checks.text_of(
                "description", values["description"], checks.MOST_DESCRIPTION
            )
        if row.type == "SECONDARY" and "masters" in values:
            changed["masters"] = masters_of(values["masters"])
            if not changed["masters"]:
                raise missing("masters")
        if "attributes" in values:
            # Its pool stays: `pool_move` is for that.
            changed["attributes"] = checks.attributes_of(values["attributes"] or {})
            if changed["attributes"].get("pool_id") != row.attributes.get("pool_id"):
                call.allow({}, "zone_create_forced_pool")
        if changed:
            row = self._zones.update(tx, row, changed, scope)
        status = 202 if row.status == "PENDING" else 200
        return Reply(status, self._body(call, tx, row))

    def delete(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        row = self.found(call, tx, scope)
        with_shares = common.is_true(call.header("X-Designate-Delete-Shares"))
        hard = common.is_true(call.header("X-Designate-Hard-Delete"))
        row = self._zones.delete(tx, row, scope, with_shares=with_shares, hard=hard)
        return self._body(call, tx, row)

    def nameservers(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx, common.scope_of(call))
        found = self._dns.pools.get(tx, row.pool_id).ns_records
        items = [{"hostname": each.hostname, "priority": each.priority} for each in found]
        return {"nameservers": items}


def pool_for(dns: DnsService, call: Call, tx: Tx, attributes: dict[str, str]) -> str:
    """The pool that a zone's attributes ask for: by its id, which only some may, or by its own
    attributes."""
    chosen = dns.pools.chosen(tx, attributes).id
    if "pool_id" in attributes:
        call.allow({}, "zone_create_forced_pool")
    return chosen


def masters_of(value: Any) -> list[str]:
    """Addresses to transfer from, `192.0.2.1` or `192.0.2.1:5354`, `[2001:db8::1]:53`."""
    if not isinstance(value, list) or len(value) > MOST_MASTERS:
        message = f"{value!r:.200} is not a list of masters"
        raise InvalidObject(wrong(["masters"], message, "type", "list"))
    return [checks.master_of(index, each) for index, each in enumerate(value)]
