"""Federated logins on the wire: identity API v3, OS-FEDERATION authentication.

The real service leaves these addresses to a module of its web server (mod_auth_openidc, mellon,
Shibboleth); here they answer by themselves, in the same words to the same clients.
"""

import html
import string
from typing import Any
from urllib.parse import urlsplit

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, TooLarge, Unauthorized
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.requests import query_pairs
from cumulo.identity.api.domains import domain_body
from cumulo.identity.api.envelope import listed
from cumulo.identity.api.federation import ROOT
from cumulo.identity.api.projects import project_body
from cumulo.identity.api.token_bodies import token_body
from cumulo.identity.service.authentication.authentication import Issued
from cumulo.identity.service.federation.logins import Journey, Landing
from cumulo.identity.service.identity import IdentityService

PAOS = "application/vnd.paos+xml"
BODY_LIMIT = 1024 * 1024
COOKIE = "cumulo_sign_on"
SESSION_COOKIE = "cumulo_saml_session"

# The dashboard's own page is asked for by a form, so that the token is in no address.
_PAGE = string.Template("""<!DOCTYPE html>
<html><head><title>Signing in</title></head>
<body onload="document.forms[0].submit()">
<form action="$origin" method="post">
<input type="hidden" name="token" value="$token">
<noscript><p>Press the button to go on.</p><input type="submit" value="Go on"></noscript>
</form></body></html>
""")


class FederatedLoginApi:
    """`base_url`: the public address of identity; `secure`: cookies for https only."""

    def __init__(self, identity: IdentityService, database: Database, base_url: str) -> None:
        self._identity = identity
        self._logins = identity.logins
        self._database = database
        self._callback = f"{base_url}{ROOT}/openid/callback"
        self._path = urlsplit(base_url).path or "/"
        self._secure = base_url.startswith("https:")

    def operations(self) -> list[Operation]:
        way = f"{ROOT}/identity_providers/{{idp_id}}/protocols/{{protocol_id}}"
        sign_on = "/v3/auth/OS-FEDERATION"
        routes = [
            ("GET", f"{way}/auth", self.auth),
            ("POST", f"{way}/auth", self.auth),
            ("GET", f"{ROOT}/openid/callback", self.openid_callback),
            ("POST", f"{ROOT}/saml2/acs", self.saml_acs),
            ("POST", f"{ROOT}/saml2/ecp", self.saml_ecp),
            ("GET", f"{ROOT}/saml2/metadata", self.metadata),
        ]
        for method in ("GET", "POST"):
            routes.append((method, f"{sign_on}/websso/{{protocol_id}}", self.websso))
            # api-ref writes `protocol` where the service and its clients write `protocols`.
            routes += [
                (
                    method,
                    f"{sign_on}/identity_providers/{{idp_id}}/{word}/{{protocol_id}}/websso",
                    self.websso,
                )
                for word in ("protocols", "protocol")
            ]
        made = [
            Operation(method, path, handler, public=True, kind="stream", writes=True)
            for method, path, handler in routes
        ]
        made += [
            Operation("GET", f"{ROOT}/projects", self.projects),
            Operation("GET", f"{ROOT}/domains", self.domains),
        ]
        return made

    # Tokens

    async def auth(self, call: Call) -> Reply:
        """The protected address: a token for whoever is known by bearer, session or cookie."""
        idp_id, protocol_id = call.path["idp_id"], call.path["protocol_id"]
        kind, _, secret = (call.header("Authorization") or "").partition(" ")
        if kind.lower() == "bearer":
            issued = await self._logins.by_access_token(idp_id, protocol_id, secret.strip())
            return await self._token(issued)
        session = _cookie(call, SESSION_COOKIE)
        if session:
            issued = await self._logins.by_session(idp_id, protocol_id, session)
            return await self._token(issued)
        accepted = call.header("Accept") or ""
        if PAOS in accepted and call.header("PAOS"):
            envelope = await self._logins.begin_ecp(idp_id, protocol_id)
            return Reply(200, raw=envelope.encode(), content_type=PAOS)
        if "text/html" in accepted:
            journey = await self._logins.begin(idp_id, protocol_id, "", self._callback)
            return self._depart(journey)
        raise Unauthorized("The request you have made requires authentication.")

    async def _token(self, issued: Issued) -> Reply:
        body = await self._database.read(
            lambda tx: token_body(self._identity, tx, issued.principal, True)
        )
        headers = {"X-Subject-Token": issued.token, "Vary": "X-Auth-Token"}
        return Reply(201, body, headers)

    # Sign-on

    async def websso(self, call: Call) -> Reply:
        origin = self._logins.check_origin(call.query.get("origin"))
        protocol_id = call.path["protocol_id"]
        idp_id = call.path.get("idp_id") or await self._logins.provider_for(protocol_id)
        return self._depart(await self._logins.begin(idp_id, protocol_id, origin, self._callback))

    def _depart(self, journey: Journey) -> Reply:
        headers = {"Location": journey.url, "Cache-Control": "no-store"}
        return Reply(302, None, {**headers, "Set-Cookie": self._set(COOKIE, journey.cookie, 600)})

    async def openid_callback(self, call: Call) -> Reply:
        if refusal := call.query.get("error"):
            why = call.query.get("error_description") or refusal
            raise Unauthorized(f"The identity provider has refused: {why[:500]}")
        state, code = call.query.get("state"), call.query.get("code")
        if not state or not code:
            raise BadRequest("Expecting to find state and code in the query.")
        cookie = _cookie(call, COOKIE)
        return await self._land(
            await self._logins.finish_openid(state, code, cookie, self._callback)
        )

    async def saml_acs(self, call: Call) -> Reply:
        form = dict(query_pairs((await _whole(call)).decode("utf-8", "replace")))
        response, state = form.get("SAMLResponse", ""), form.get("RelayState", "")
        if not response:
            raise BadRequest("Expecting to find SAMLResponse in the form.")
        cookie = _cookie(call, COOKIE)
        return await self._land(await self._logins.finish_saml(response.encode(), state, cookie))

    async def _land(self, landing: Landing) -> Reply:
        if not landing.origin:
            return await self._token(landing.issued)
        page = _PAGE.substitute(
            origin=html.escape(landing.origin, quote=True), token=landing.issued.token
        )
        headers = {"Cache-Control": "no-store", "Set-Cookie": self._set(COOKIE, "", 0)}
        return Reply(200, None, headers, raw=page.encode(), content_type="text/html; charset=UTF-8")

    # SAML

    async def saml_ecp(self, call: Call) -> Reply:
        """An enhanced client brings what its provider said; it is sent on with a session."""
        session, idp_id, protocol_id = await self._logins.finish_ecp(await _whole(call))
        url = f"{call.base_url}{ROOT}"
        if idp_id:
            url += f"/identity_providers/{idp_id}/protocols/{protocol_id}/auth"
        cookie = self._set(SESSION_COOKIE, session, 300)
        return Reply(303, None, {"Location": url, "Set-Cookie": cookie})

    async def metadata(self, call: Call) -> Reply:
        text = await self._logins.metadata()
        return Reply(200, None, raw=text.encode(), content_type="text/xml")

    def _set(self, name: str, value: str, seconds: int) -> str:
        # Lax lets a provider's redirect bring it back; a SAML provider's form from another site
        # needs None, which browsers take over https only.
        same_site = "None; Secure" if self._secure else "Lax"
        return (
            f"{name}={value}; Path={self._path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}"
        )

    # What a federated user may ask for

    def projects(self, call: Call, tx: Tx) -> Any:
        who = call.principal
        groups = () if who.federation is None else who.federation.group_ids
        ids = self._identity.roles.targets(tx, who.user_id, "project", groups)
        rows = self._identity.projects.listing.page(tx, where={"ids": ids, "enabled": True})
        return listed(call, "projects", [project_body(call, row) for row in rows])

    def domains(self, call: Call, tx: Tx) -> Any:
        who = call.principal
        groups = () if who.federation is None else who.federation.group_ids
        ids = self._identity.roles.targets(tx, who.user_id, "domain", groups)
        rows = [self._identity.domains.get(tx, id) for id in sorted(ids)]
        found = [domain_body(call, row) for row in rows if row.enabled]
        return listed(call, "domains", found)


def _cookie(call: Call, name: str) -> str:
    for part in (call.header("Cookie") or "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


async def _whole(call: Call) -> bytes:
    return await call.whole_body(BODY_LIMIT, TooLarge("The body is too long."))
