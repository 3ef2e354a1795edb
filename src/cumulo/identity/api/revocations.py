"""Revocations on the wire: `OS-REVOKE/events`; and what was there for tokens of a PKI."""

from typing import Any

from cumulo.core.clock import zulu_micro
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Gone
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import listed
from cumulo.identity.model.token import RevocationRow
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.trusts import moment_of


class RevocationsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._tokens = identity.tokens

    def operations(self) -> list[Operation]:
        return [
            Operation(
                "GET", "/v3/OS-REVOKE/events", self.events, policy="identity:list_revoke_events"
            ),
            Operation("GET", "/v3/OS-SIMPLE-CERT/ca", self.no_pki, public=True),
            Operation("GET", "/v3/OS-SIMPLE-CERT/certificates", self.no_pki, public=True),
        ]

    def events(self, call: Call, tx: Tx) -> Any:
        since = call.query.get("since")
        where = {} if since is None else {"since": moment_of(since, "since")}
        rows = self._tokens.listing.page(tx, where=where)
        return listed(call, "events", [_event_body(row) for row in rows])

    def no_pki(self, call: Call, tx: Tx) -> None:
        raise Gone("This API is no longer available due to the removal of support for PKI tokens.")


def _event_body(row: RevocationRow) -> dict[str, Any]:
    body: dict[str, Any] = {
        "issued_before": zulu_micro(row.issued_before),
        "revoked_at": zulu_micro(row.revoked_at),
    }
    if row.audit_id is not None:
        body["audit_id"] = row.audit_id
    if row.user_id is not None:
        body["user_id"] = row.user_id
    return body
