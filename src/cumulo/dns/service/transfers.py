"""Zones that go to another project: offered by the one, accepted by the other with the key."""

import hmac
import secrets
import string
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.ids import new_id
from cumulo.dns.model.transfer import TransferAcceptRow, TransferRequestRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import nouns as queries
from cumulo.dns.service import checks
from cumulo.dns.service.refusals import bad_request, duplicate, forbidden, missing, not_found
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zones import Zones

KEY_SIGNS = string.ascii_uppercase + string.digits
KEY_LENGTH = 24
MOST_TEXT = 160


class Transfers:
    requests = queries.TRANSFER_REQUESTS
    accepts = queries.TRANSFER_ACCEPTS

    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def request(self, tx: Tx, request_id: str) -> TransferRequestRow:
        """Anybody's: rules say who may see it."""
        row = tx.get(TransferRequestRow, request_id)
        if row is None:
            raise not_found("ZoneTransferRequest", "zone_transfer_request")
        return row

    def accept_of(self, tx: Tx, accept_id: str, scope: Scope) -> TransferAcceptRow:
        row = tx.get(TransferAcceptRow, accept_id)
        if row is None or not scope.sees(row.project_id):
            raise not_found("ZoneTransferAccept", "zone_transfer_accept")
        return row

    def offer(
        self, tx: Tx, zone: ZoneRow, values: dict[str, Any], scope: Scope
    ) -> TransferRequestRow:
        if not zone.wanted:
            raise bad_request("Can not transfer a deleting zone")
        if tx.one(queries.OPEN_REQUEST, zone_id=zone.id) is not None:
            raise duplicate("ZoneTransferRequest", "zone_transfer_request")
        for (old,) in tx.tuples(queries.DONE_REQUESTS, project_id=zone.project_id):
            done = tx.get(TransferRequestRow, old)
            if done is not None:
                tx.delete(done)
        row = TransferRequestRow(
            id=new_id(),
            zone_id=zone.id,
            zone_name=zone.display,
            project_id=zone.project_id,
            target_project_id=checks.text_of(
                "target_project_id", values.get("target_project_id"), 64
            )
            or None,
            key="".join(secrets.choice(KEY_SIGNS) for _ in range(KEY_LENGTH)),
            description=_description(values),
            status="ACTIVE",
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        emit(tx, "dns.zone_transfer_request.create", row.id, principal=scope.principal)
        return row

    def update(
        self, tx: Tx, row: TransferRequestRow, values: dict[str, Any], scope: Scope
    ) -> TransferRequestRow:
        changed: dict[str, Any] = {"updated_at": tx.now}
        if "description" in values:
            changed["description"] = _description(values)
        emit(tx, "dns.zone_transfer_request.update", row.id, principal=scope.principal)
        return tx.update(row, **changed)

    def withdraw(self, tx: Tx, row: TransferRequestRow, scope: Scope) -> None:
        tx.delete(row)
        emit(tx, "dns.zone_transfer_request.delete", row.id, principal=scope.principal)

    def accept(self, tx: Tx, values: dict[str, Any], scope: Scope) -> TransferAcceptRow:
        for name in ("zone_transfer_request_id", "key"):
            if not isinstance(values.get(name), str):
                raise missing(name)
        row = self.request(tx, values["zone_transfer_request_id"])
        if row.status != "ACTIVE":
            message = "Zone Transfer Request has been used"
            raise bad_request(message, "invalid_zone_transfer_request")
        if not hmac.compare_digest(row.key.encode(), values["key"].encode()):
            raise forbidden("Key does not match stored key for request", "invalid_key")
        if scope.project_id is None:
            message = "A project ID must be specified when not using a project scoped token."
            raise bad_request(message, "missing_project_id")
        zone = tx.get(ZoneRow, row.zone_id)
        if zone is None or not zone.wanted:
            raise bad_request("Can not transfer a deleting zone")
        if zone.project_id != row.project_id:
            # Whoever offered it had it then, and has it no more.
            message = "Zone Transfer Request has been used"
            raise bad_request(message, "invalid_zone_transfer_request")
        tx.run(queries.END_REQUESTS, of_zone=zone.id, but=row.id)
        self._zones.give(tx, zone, scope)
        tx.update(row, status="COMPLETE", updated_at=tx.now)
        for (old,) in tx.tuples(queries.DONE_ACCEPTS, project_id=scope.project_id):
            done = tx.get(TransferAcceptRow, old)
            if done is not None:
                tx.delete(done)
        accepted = TransferAcceptRow(
            id=new_id(),
            request_id=row.id,
            zone_id=zone.id,
            project_id=scope.project_id,
            key=row.key,
            status="COMPLETE",
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(accepted)
        emit(tx, "dns.zone_transfer_accept.create", accepted.id, principal=scope.principal)
        return accepted


def _description(values: dict[str, Any]) -> str | None:
    return checks.text_of("description", values.get("description"), MOST_TEXT)
