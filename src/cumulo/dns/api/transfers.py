"""Transfers of zones between projects on the wire."""

from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.model.transfer import TransferAcceptRow, TransferRequestRow
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.scope import Scope

FOR_ALL = ("id", "zone_id", "description", "status", "zone_name")
"""What is shown of an offer to whom it is made; the key is not among it."""


class OfferRequest(StrictBody):
    id: Any = UNSET
    zone_id: Any = UNSET
    zone_name: Any = UNSET
    project_id: Any = UNSET
    target_project_id: Any = UNSET
    description: Any = UNSET
    key: Any = UNSET
    status: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET
    links: Any = UNSET


class AcceptRequest(StrictBody):
    zone_transfer_request_id: Any = UNSET
    key: Any = UNSET


def target_of(row: TransferRequestRow) -> dict[str, Any]:
    # oslo.policy writes "None" where there is nobody; a rule of ours looks for that word.
    return {"project_id": row.project_id, "target_project_id": row.target_project_id or "None"}


class TransfersApi:
    def __init__(self, dns: DnsService) -> None:
        self._dns = dns
        self._transfers = dns.transfers

    def operations(self) -> list[Operation]:
        requests, accepts = "/v2/zones/tasks/transfer_requests", "/v2/zones/tasks/transfer_accepts"
        one = f"{requests}/{{id}}"
        late: dict[str, Any] = {"early": False}
        noun = "zone_transfer_request"
        return [
            Operation(
                "POST",
                "/v2/zones/{zone_id}/tasks/transfer_requests",
                self.offer,
                policy=f"create_{noun}",
                body=OfferRequest | None,
                **late,
            ),
            Operation("GET", requests, self.index, policy=f"find_{noun}s", **late),
            Operation("GET", one, self.show, policy=f"get_{noun}", **late),
            Operation(
                "PATCH", one, self.update, policy=f"update_{noun}", body=OfferRequest, **late
            ),
            Operation("DELETE", one, self.delete, policy=f"delete_{noun}", status=204, **late),
            Operation(
                "POST",
                accepts,
                self.accept,
                policy="create_zone_transfer_accept",
                body=AcceptRequest,
                **late,
            ),
            Operation("GET", accepts, self.accepts, policy="find_zone_transfer_accepts", **late),
            Operation(
                "GET", f"{accepts}/{{id}}", self.accepted, policy="get_zone_transfer_accept", **late
            ),
        ]

    def _body(self, call: Call, row: TransferRequestRow) -> dict[str, Any]:
        names = ("project_id", "target_project_id", "key", "created_at", "updated_at")
        body = {name: getattr(row, name) for name in FOR_ALL}
        if call.allowed("get_zone_transfer_request_detailed", {"project_id": row.project_id}):
            body.update({name: getattr(row, name) for name in names})
        body["links"] = {"self": common.link(call, "zones/tasks/transfer_requests", row.id)}
        return body

    def offer(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        zone = self._dns.zones.get(tx, call.path["zone_id"], scope)
        call.allow({"project_id": zone.project_id})
        wish = call.body or OfferRequest()
        shown = {"zone_id": zone.id, "zone_name": zone.display}
        values = common.changes_of(
            wish, shown, ("target_project_id", "description"), "transfer_request"
        )
        body = self._body(call, self._transfers.offer(tx, zone, values, scope))
        return Reply(201, body, {"Location": body["links"]["self"]})

    def index(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        call.allow()
        where = common.filters_of(call, ("status",), ())
        if not scope.all_projects:
            where["concerns"] = scope.project_id or ""
        listing = self._transfers.requests
        rows = common.page_of(call, tx, listing, where, lambda id: self._marker(tx, id, scope))
        items = [self._body(call, row) for row in rows]
        total = common.counted(call, lambda: listing.count(tx, where))
        last = rows[-1].id if rows else None
        return common.page_body(call, "transfer_requests", items, total, last)

    def _marker(self, tx: Tx, id: str, scope: Scope) -> TransferRequestRow | None:
        row = tx.get(TransferRequestRow, id)
        if row is None or not (
            scope.sees(row.project_id) or row.target_project_id == scope.project_id
        ):
            return None
        return row

    def _found(self, call: Call, tx: Tx, *, own: bool) -> TransferRequestRow:
        """`own`: only for the giver. To others it is not there, unless it is offered to them."""
        scope = common.scope_of(call)
        row = self._transfers.request(tx, call.path["id"])
        target = row.target_project_id
        offered = not own and (target is None or target == scope.project_id)
        if not scope.sees(row.project_id) and not offered:
            raise NotFound(
                "Could not find ZoneTransferRequest", kind="zone_transfer_request_not_found"
            )
        call.allow(target_of(row))
        return row

    def show(self, call: Call, tx: Tx) -> Any:
        return self._body(call, self._found(call, tx, own=False))

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx, own=True)
        shown = self._body(call, row)
        values = common.changes_of(call.body, shown, ("description",), "transfer_request")
        row = self._transfers.update(tx, row, values, common.scope_of(call))
        return self._body(call, row)

    def delete(self, call: Call, tx: Tx) -> None:
        self._transfers.withdraw(tx, self._found(call, tx, own=True), common.scope_of(call))

    # --- acceptances ------------------------------------------------------------------------

    def _accept_body(self, call: Call, row: TransferAcceptRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "zone_transfer_request_id": row.request_id,
            "project_id": row.project_id,
            "key": row.key,
            "status": row.status,
            "zone_id": row.zone_id,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            "links": {
                "self": common.link(call, "zones/tasks/transfer_accepts", row.id),
                "zone": common.link(call, "zones", row.zone_id),
            },
        }

    def accept(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        values = common.given(call.body)
        named = values.get("zone_transfer_request_id")
        if isinstance(named, str):
            call.allow(target_of(self._transfers.request(tx, named)))
        body = self._accept_body(call, self._transfers.accept(tx, values, scope))
        return Reply(201, body, {"Location": body["links"]["self"]})

    def accepts(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        call.allow()
        where = common.filters_of(call, ("status",), ())
        if not scope.all_projects:
            where["project_id"] = scope.project_id or ""
        listing = self._transfers.accepts

        def marker(id: str) -> TransferAcceptRow | None:
            row = tx.get(TransferAcceptRow, id)
            return row if row is not None and scope.sees(row.project_id) else None

        rows = common.page_of(call, tx, listing, where, marker)
        items = [self._accept_body(call, row) for row in rows]
        total = common.counted(call, lambda: listing.count(tx, where))
        last = rows[-1].id if rows else None
        return common.page_body(call, "transfer_accepts", items, total, last)

    def accepted(self, call: Call, tx: Tx) -> Any:
        row = self._transfers.accept_of(tx, call.path["id"], common.scope_of(call))
        call.allow({"project_id": row.project_id})
        return self._accept_body(call, row)
