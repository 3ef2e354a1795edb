"""Imports, exports, abandoned zones on the wire."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Fault, NotAcceptable, NotFound, TooLarge, UnsupportedMediaType
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.work import pools
from cumulo.dns.api import common
from cumulo.dns.api.zones import pool_for
from cumulo.dns.model.task import TaskRow
from cumulo.dns.service import checks
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.refusals import InvalidObject, bad_request
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zonefile import MOST_BYTES, BadZoneFile, ZoneFile, read
from cumulo.dns.service.zones import ZoneWish


class ImportBody(msgspec.Struct, forbid_unknown_fields=True):
    """An import as JSON (API 2.4)."""

    zonefile: str
    attributes: Any = None


class PoolMoveRequest(msgspec.Struct, forbid_unknown_fields=True):
    pool_id: str | None = None


class TasksApi:
    def __init__(self, dns: DnsService, database: Database) -> None:
        self._dns = dns
        self._tasks = dns.tasks
        self._database = database

    def operations(self) -> list[Operation]:
        imports, exports = "/v2/zones/tasks/imports", "/v2/zones/tasks/exports"
        zone = "/v2/zones/{zone_id}/tasks"
        late: dict[str, Any] = {"early": False}
        gone: dict[str, Any] = {**late, "status": 204}
        return [
            Operation(
                "POST",
                imports,
                self.import_file,
                policy="create_zone_import",
                kind="stream",
                status=202,
                **late,
            ),
            Operation("GET", imports, self.imports, policy="find_zone_imports", **late),
            Operation(
                "GET", f"{imports}/{{id}}", self.show_import, policy="get_zone_import", **late
            ),
            Operation(
                "DELETE", f"{imports}/{{id}}", self.drop, policy="delete_zone_import", **gone
            ),
            Operation(
                "POST",
                f"{zone}/export",
                self.export,
                policy="create_zone_export",
                status=202,
                **late,
            ),
            Operation("GET", exports, self.exports, policy="find_zone_exports", **late),
            Operation(
                "GET", f"{exports}/{{id}}", self.show_export, policy="get_zone_export", **late
            ),
            Operation("GET", f"{exports}/{{id}}/export", self.file, policy="zone_export", **late),
            Operation(
                "DELETE", f"{exports}/{{id}}", self.drop, policy="delete_zone_export", **gone
            ),
            Operation("POST", f"{zone}/xfr", self.transfer, policy="xfr_zone", status=202, **late),
            Operation(
                "POST",
                f"{zone}/pool_move",
                self.pool_move,
                policy="pool_move_zone",
                body=PoolMoveRequest | None,
                status=202,
                **late,
            ),
            Operation("POST", f"{zone}/abandon", self.abandon, policy="abandon_zone", **gone),
        ]

    # --- bodies -----------------------------------------------------------------------------

    def _body(self, call: Call, row: TaskRow) -> dict[str, Any]:
        many = f"{row.type.lower()}s"
        links = {"self": common.link(call, f"zones/tasks/{many}", row.id)}
        body: dict[str, Any] = {
            "id": row.id,
            "status": row.status,
            "message": row.message,
            "zone_id": row.zone_id,
            "project_id": row.project_id,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            "version": 1,
            "links": links,
        }
        if row.type == "EXPORT":
            body["location"] = row.location
            links["export"] = common.link(call, "zones/tasks/exports", row.id, "export")
        elif row.zone_id is not None:
            links["zone"] = common.link(call, "zones", row.zone_id)
        return body

    def _begun(self, call: Call, row: TaskRow) -> Reply:
        """The answer to who asks for it: as Designate has it, the task has only begun."""
        body = self._body(call, row)
        body.update(status="PENDING", message=None, updated_at=None)
        body["links"].pop("export", None)
        if row.type == "EXPORT":
            body["location"] = None
        else:
            body["zone_id"] = None
            body["links"].pop("zone", None)
        return Reply(202, body, {"Location": body["links"]["self"]})

    def _page(self, call: Call, tx: Tx, kind: str) -> Any:
        scope = common.scope_of(call)
        call.allow()
        where = common.filters_of(call, ("status", "zone_id"), ("message",))
        where["type"] = kind
        if not scope.all_projects:
            where["project_id"] = scope.project_id or ""

        def marker(id: str) -> TaskRow | None:
            try:
                return self._tasks.get(tx, kind, id, scope)
            except NotFound:
                return None

        listing = self._tasks.listing
        rows = common.page_of(call, tx, listing, where, marker)
        items = [self._body(call, row) for row in rows]
        total = common.counted(call, lambda: listing.count(tx, where))
        last = rows[-1].id if rows else None
        return common.page_body(call, f"{kind.lower()}s", items, total, last)

    def _found(self, call: Call, tx: Tx, kind: str) -> TaskRow:
        scope = common.scope_of(call)
        row = self._tasks.get(tx, kind, call.path["id"], scope)
        call.allow({"project_id": row.project_id})
        return row

    # --- imports ----------------------------------------------------------------------------

    async def import_file(self, call: Call) -> Any:
        scope = common.scope_of(call)
        call.allow()
        project_id = scope.project_id
        if project_id is None:
            message = "A project ID must be specified when not using a project scoped token."
            raise bad_request(message, "missing_project_id")
        text, attributes = _file_of(call, await _whole(call))
        pool_id = await self._database.read(lambda tx: self._pool(call, tx, attributes))
        try:
            file = await pools.TOOLS(read, text)
        except BadZoneFile as bad:
            broken = bad
            row = await self._database.write(
                lambda tx: self._tasks.fail(tx, broken, project_id), name="dns import refused"
            )
            return self._begun(call, row)
        try:
            row = await self._database.write(
                lambda tx: self._tasks.import_file(
                    tx, file, self._wish(file, attributes, pool_id, scope), scope, project_id
                ),
                name="dns import",
            )
        except Fault as fault:
            refused = fault
            row = await self._database.write(
                lambda tx: self._tasks.refused(tx, refused, project_id), name="dns import refused"
            )
        return self._begun(call, row)

    def _pool(self, call: Call, tx: Tx, attributes: dict[str, str]) -> str:
        if "pool_id" in attributes:
            self._dns.pools.shown(tx, attributes["pool_id"])
        return pool_for(self._dns, call, tx, attributes)

    def _wish(
        self, file: ZoneFile, attributes: dict[str, str], pool_id: str, scope: Scope
    ) -> ZoneWish:
        rules = self._dns.rules
        try:
            email = checks.email_of(file.email)
        except InvalidObject:
            email = rules.email
        floor = rules.least_ttl
        ttl = checks.ttl_of(file.ttl, least=1, floor=floor, low=scope.low_ttl)
        for each in file.sets:
            checks.ttl_of(each.ttl, least=0, floor=floor, low=scope.low_ttl)
        return ZoneWish(
            pool_id=pool_id,
            name=file.name,
            shown=file.shown,
            email=email,
            ttl=ttl or rules.default_ttl,
            attributes=attributes,
        )

    def imports(self, call: Call, tx: Tx) -> Any:
        return self._page(call, tx, "IMPORT")

    def show_import(self, call: Call, tx: Tx) -> Any:
        return self._body(call, self._found(call, tx, "IMPORT"))

    def drop(self, call: Call, tx: Tx) -> None:
        kind = "IMPORT" if call.operation.policy == "delete_zone_import" else "EXPORT"
        self._tasks.delete(tx, self._found(call, tx, kind))

    # --- exports ----------------------------------------------------------------------------

    def export(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        zone = self._dns.zones.get(tx, call.path["zone_id"], scope)
        call.allow({"project_id": zone.project_id})
        project_id = scope.project_id or zone.project_id
        return self._begun(call, self._tasks.export(tx, zone, project_id))

    def exports(self, call: Call, tx: Tx) -> Any:
        return self._page(call, tx, "EXPORT")

    def show_export(self, call: Call, tx: Tx) -> Any:
        return self._body(call, self._found(call, tx, "EXPORT"))

    def file(self, call: Call, tx: Tx) -> Any:
        accept = call.header("Accept") or ""
        if accept and not any(word in accept for word in ("*/*", "text/", "json")):
            raise NotAcceptable("Accept has to be text/dns")
        row = self._found(call, tx, "EXPORT")
        zone = self._dns.zones.get(tx, row.zone_id or "", common.scope_of(call))
        self._dns.zones.refuse_over_quota(tx, zone.project_id, api_export_size=zone.recordsets)
        text = self._tasks.text(tx, zone)
        return Reply(200, raw=text.encode(), content_type="text/dns; charset=utf-8")

    # --- zones and other servers ------------------------------------------------------------

    def transfer(self, call: Call, tx: Tx) -> None:
        """Fetch a secondary zone anew."""
        zone = self._dns.zones.get(tx, call.path["zone_id"], common.scope_of(call))
        call.allow({"project_id": zone.project_id})
        if zone.type != "SECONDARY":
            raise bad_request("Can't XFR a non Secondary zone.")
        self._dns.zones.refuse_deleting(zone)
        self._dns.zones.transfer_now(tx, zone)

    def pool_move(self, call: Call, tx: Tx) -> None:
        scope = common.scope_of(call)
        zone = self._dns.zones.get(tx, call.path["zone_id"], scope)
        call.allow({"project_id": zone.project_id})
        pool_id = None if call.body is None else call.body.pool_id
        if pool_id is None:
            pool_id = self._dns.pools.chosen(tx, zone.attributes).id
            if pool_id == zone.pool_id:
                raise bad_request("No valid pool selected")
        self._dns.zones.move(tx, zone, pool_id, scope)

    # --- zones that are left to others ------------------------------------------------------

    def abandon(self, call: Call, tx: Tx) -> None:
        scope = common.scope_of(call)
        zone = self._dns.zones.get(tx, call.path["zone_id"], scope)
        call.allow({"project_id": zone.project_id})
        self._dns.zones.abandon(tx, zone, scope)


async def _whole(call: Call) -> bytes:
    too_long = TooLarge(f"A zone file has at most {MOST_BYTES} bytes.")
    return await call.whole_body(MOST_BYTES, too_long)


def _file_of(call: Call, raw: bytes) -> tuple[str, dict[str, str]]:
    """The zone file and the zone's attributes."""
    kind = (call.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body = msgspec.json.decode(raw, type=ImportBody)
        except msgspec.ValidationError:
            message = 'The "zonefile" field is required when using application/json content type'
            raise bad_request(message) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise bad_request("Invalid JSON body") from None
        return body.zonefile, checks.attributes_of(body.attributes or {})
    if kind != "text/dns":
        raise UnsupportedMediaType("Content-type must be text/dns or application/json")
    try:
        return raw.decode(), {}
    except UnicodeDecodeError:
        raise bad_request("The zone file is not in UTF-8") from None
