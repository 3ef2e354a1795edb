"""Shares of zones on the wire."""

from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.model.zone import ShareRow
from cumulo.dns.service.dns import DnsService


class ShareRequest(StrictBody):
    target_project_id: Any = UNSET


def share_body(call: Call, row: ShareRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "zone_id": row.zone_id,
        "project_id": row.project_id,
        "target_project_id": row.target_project_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "links": {
            "self": common.link(call, "zones", row.zone_id, "shares", row.id),
            "zone": common.link(call, "zones", row.zone_id),
        },
    }


class SharesApi:
    def __init__(self, dns: DnsService) -> None:
        self._dns = dns
        self._shares = dns.shares

    def operations(self) -> list[Operation]:
        many = "/v2/zones/{zone_id}/shares"
        one, late = f"{many}/{{share_id}}", False
        return [
            Operation("GET", many, self.index, policy="find_zone_shares", early=late),
            Operation(
                "POST", many, self.create, policy="share_zone", body=ShareRequest, early=late
            ),
            Operation("GET", one, self.show, policy="get_zone_share", early=late),
            Operation("DELETE", one, self.delete, policy="unshare_zone", status=204, early=late),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        zone = self._dns.zones.get(tx, call.path["zone_id"], scope)
        call.allow()
        where = common.filters_of(call, ("target_project_id",), ())
        where["zone_id"] = zone.id
        if not scope.sees(zone.project_id):
            # Those whom it is shared with see their own share.
            where["target_project_id"] = scope.project_id or ""
        listing = self._shares.listing
        rows = common.page_of(call, tx, listing, where, lambda id: self._marker(tx, zone.id, id))
        items = [share_body(call, row) for row in rows]
        total = common.counted(call, lambda: listing.count(tx, where))
        return common.page_body(call, "shared_zones", items, total, rows[-1].id if rows else None)

    def _marker(self, tx: Tx, zone_id: str, id: str) -> ShareRow | None:
        try:
            return self._shares.get(tx, zone_id, id)
        except NotFound:
            return None

    def create(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        zone = self._dns.zones.get(tx, call.path["zone_id"], scope)
        call.allow({"project_id": zone.project_id})
        body = share_body(call, self._shares.create(tx, zone, common.given(call.body), scope))
        return Reply(201, body, {"Location": body["links"]["self"]})

    def _found(self, call: Call, tx: Tx) -> ShareRow:
        scope = common.scope_of(call)
        zone = self._dns.zones.get(tx, call.path["zone_id"], scope)
        row = self._shares.get(tx, zone.id, call.path["share_id"])
        call.allow({"project_id": zone.project_id})
        return row

    def show(self, call: Call, tx: Tx) -> Any:
        return share_body(call, self._found(call, tx))

    def delete(self, call: Call, tx: Tx) -> None:
        self._shares.delete(tx, self._found(call, tx), common.scope_of(call))
