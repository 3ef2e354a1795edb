"""OAuth 2.0 client credentials (RFC 6749, 4.4): identity API v3, `OS-OAUTH2/token`.

The client is an application credential and the token one like any other; or the client is a user
that shows a certificate, and the token is good with that certificate only.
"""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs

import msgspec

from cumulo.core.faults import Fault
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.identity.api.tokens import attempt_of
from cumulo.identity.service.authentication.authentication import Issued
from cumulo.identity.service.authentication.method import refused
from cumulo.identity.service.identity import IdentityService

BODY_LIMIT = 16 * 1024
REFUSED = "Client authentication failed."


class OAuth2Api:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity

    def operations(self) -> list[Operation]:
        path = "/v3/OS-OAUTH2/token"
        others = ("GET", "HEAD", "PUT", "PATCH", "DELETE")
        return [
            Operation("POST", path, self.token, public=True, kind="stream", title="OAuth 2 token"),
            *(
                Operation(each, path, self.not_allowed, public=True, writes=False)
                for each in others
            ),
        ]

    def not_allowed(self, call: Call, tx: Any) -> Reply:
        text = "The method is not allowed for the requested URL."
        return _refusal(405, "other_error", text)

    async def token(self, call: Call) -> Reply:
        form = await _form(call)
        grant = form.get("grant_type")
        if grant is None:
            return _refusal(400, "invalid_request", "The parameter grant_type is required.")
        if grant != "client_credentials":
            text = f"The parameter grant_type {grant[:100]} is not supported."
            return _refusal(400, "unsupported_grant_type", text)
        try:
            if call.vouched.certificate:
                issued = await self._by_certificate(call, form.get("client_id", ""))
            else:
                issued = await self._by_secret(call, *_client(call, form))
        except Fault as fault:
            if fault.status == 401:
                return self._unauthorized(call)
            if fault.status == 400:
                return _refusal(400, "invalid_request", fault.message)
            refusal = _refusal(fault.status, "other_error", fault.message)
            return Reply(refusal.status, refusal.body, {**refusal.headers, **fault.headers})
        left = issued.principal.expires - issued.issued
        body = {"access_token": issued.token, "token_type": "Bearer", "expires_in": int(left)}
        return Reply(200, body, {"Cache-Control": "no-store"})

    async def _by_secret(self, call: Call, client: str, secret: str) -> Issued:
        if not client or not secret:
            raise refused()
        raw = msgspec.json.encode({"id": client, "secret": secret})
        bodies = {"application_credential": msgspec.Raw(raw)}
        issued = await self._identity.authentication.authenticate(
            ["application_credential"], bodies, None, attempt_of(call)
        )
        if not isinstance(issued, Issued):  # a receipt: there is no second request here
            raise refused()
        return issued

    async def _by_certificate(self, call: Call, client: str) -> Issued:
        found = await self._identity.certificate_clients.identify(client, call.vouched)
        return await self._identity.authentication.issue(found, None)

    def _unauthorized(self, call: Call) -> Reply:
        header = {"WWW-Authenticate": f'Keystone uri="{call.base_url}/v3"'}
        return _refusal(401, "invalid_client", REFUSED, header)


def _refusal(status: int, error: str, text: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"error": error, "error_description": text}
    return Reply(status, body, headers or {})


async def _form(call: Call) -> dict[str, str]:
    """The first value of each name; empty for a body that is too long or no form."""
    try:
        raw = await call.whole_body(BODY_LIMIT, ValueError("too long"))
        found = parse_qs(raw.decode(), max_num_fields=50)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _client(call: Call, form: dict[str, str]) -> tuple[str, str]:
    """(id, secret): of the header of Basic authentication, or of the form."""
    kind, _, encoded = (call.header("Authorization") or "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return client, secret
