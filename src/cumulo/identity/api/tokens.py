"""Tokens on the wire: identity API v3, `auth/tokens`."""

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Gone, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.identity.api.token_bodies import receipt_body, token_body
from cumulo.identity.service.authentication.method import Attempt, Text
from cumulo.identity.service.authentication.receipts import Receipt
from cumulo.identity.service.authentication.scope import WantedScope
from cumulo.identity.service.identity import IdentityService

BODY_LIMIT = 64 * 1024


class Auth(msgspec.Struct):
    identity: dict[str, msgspec.Raw]
    """`methods`, and under the name of each what it needs."""
    scope: WantedScope | str | None = None


class AuthRequest(msgspec.Struct):
    auth: Auth


_methods = msgspec.json.Decoder(Annotated[list[Text], msgspec.Meta(max_length=10)])


class TokensApi:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity

    def operations(self) -> list[Operation]:
        tokens = "/v3/auth/tokens"
        return [
            Operation(
                "POST",
                tokens,
                self.issue,
                public=True,
                body=AuthRequest,
                status=201,
                kind="stream",
                body_limit=BODY_LIMIT,
                title="issue token",
            ),
            Operation("GET", tokens, self.show, policy="identity:validate_token", early=False),
            Operation("HEAD", tokens, self.show, policy="identity:check_token", early=False),
            Operation(
                "DELETE",
                tokens,
                self.revoke,
                policy="identity:revoke_token",
                early=False,
                status=204,
            ),
            Operation("GET", tokens + "/OS-PKI/revoked", self.revoked, public=True),
        ]

    async def issue(self, call: Call) -> Reply:
        wanted: Auth = call.body.auth
        with_catalog = "nocatalog" not in call.query.names()

        def render(tx: Tx, who: Principal) -> dict[str, Any]:
            return token_body(self._identity, tx, who, with_catalog)

        issued = await self._identity.authentication.authenticate(
            _names(wanted.identity), wanted.identity, wanted.scope, attempt_of(call), render
        )
        if isinstance(issued, Receipt):
            headers = {"Openstack-Auth-Receipt": issued.receipt, "Vary": "Openstack-Auth-Receipt"}
            return Reply(401, receipt_body(issued), headers)
        return Reply(201, issued.body, {"X-Subject-Token": issued.token, "Vary": "X-Auth-Token"})

    def _subject(self, call: Call, tx: Tx) -> Principal:
        token = call.header("X-Subject-Token")
        if not token:
            raise BadRequest("X-Subject-Token is required")
        allow_expired = (call.query.get("allow_expired") or "").lower() in ("1", "true")
        return self._identity.tokens.look_up(tx, token, allow_expired=allow_expired)

    def show(self, call: Call, tx: Tx) -> Reply:
        subject = self._subject(call, tx)
        call.allow({"target.token.user_id": subject.user_id})
        _refuse_unlimited(call, subject)
        body = token_body(self._identity, tx, subject, "nocatalog" not in call.query.names())
        headers = {
            "X-Subject-Token": call.header("X-Subject-Token") or "",
            "Vary": "X-Auth-Token",
        }
        return Reply(200, body, headers)

    def revoke(self, call: Call, tx: Tx) -> None:
        subject = self._subject(call, tx)
        call.allow({"target.token.user_id": subject.user_id})
        self._identity.tokens.revoke(tx, subject, call.principal)

    def revoked(self, call: Call, tx: Tx) -> None:
        raise Gone("Lists of revoked tokens went with the tokens that were signed by a PKI.")


def whole_url(call: Call) -> str:
    """As the client signed it."""
    query = urlencode(call.query.pairs)
    return f"{call.url}?{query}" if query else call.url


def attempt_of(call: Call) -> Attempt:
    return Attempt(
        address=call.address,
        url=whole_url(call),
        authorization=call.header("Authorization") or "",
        receipt=call.header("Openstack-Auth-Receipt") or "",
        vouched=call.vouched,
    )


def _names(identity: dict[str, msgspec.Raw]) -> list[str]:
    raw = identity.get("methods")
    if raw is None:
        raise BadRequest("Expecting to find methods in identity.")
    try:
        names: list[str] = _methods.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"Invalid input for field 'methods': {error}") from None
    return names


def _refuse_unlimited(call: Call, subject: Principal) -> None:
    """404 for a service that does not know access rules: it would let the token do too much."""
    if subject.access_rules is None:
        return
    try:
        version = float(call.header("OpenStack-Identity-Access-Rules") or "0")
    except ValueError:
        version = 0.0
    if not version >= 1.0:
        raise NotFound("Failed to validate token")
