"""The ways in for users of foreign providers.

    bearer    a client has an access token of an OpenID provider           → token
    ECP       a client carries a request to its SAML provider and back     → session → token
    sign-on   a browser is sent to the provider and comes back (WebSSO)    → token → dashboard

A sign-on between two requests is a row: nothing that a browser carries is believed but the row's
id, which is good once, and (for browsers) the cookie that it was given with it.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, NotFound, TooManyRequests, Unauthorized
from cumulo.core.work import pools
from cumulo.identity.model.assertion import Assertion, NotBelieved, ProviderUnreachable
from cumulo.identity.model.federation import SignOnRow
from cumulo.identity.queries import federation as queries
from cumulo.identity.service.authentication.authentication import Authentication, Issued
from cumulo.identity.service.authentication.method import Identified
from cumulo.identity.service.federation.arrivals import Arrivals
from cumulo.identity.service.federation.parties import (
    OPENID_ISSUER,
    SAML_ISSUER,
    Parties,
    SamlParty,
    openid_attributes,
    saml_attributes,
)
from cumulo.identity.service.federation.providers import FederationProviders
from cumulo.identity.service.once import Once, use_once

SIGN_ON_SECONDS = 600.0
"""How long somebody may take to sign on at the provider."""
SESSION_SECONDS = 300.0
"""How long a SAML session waits for its client to fetch the token."""
SIGN_ONS = 20_000
"""Unfinished sign-ons at a time: anybody may begin one, without a password."""


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a browser is to go, and the cookie that it must bring back."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Landing:
    """The end of a sign-on: a token, and the dashboard that waits for it (empty: none)."""

    issued: Issued
    origin: str


class Logins:
    what = "sign-ons"

    def __init__(
        self,
        database: Database,
        providers: FederationProviders,
        arrivals: Arrivals,
        authentication: Authentication,
        parties: Parties,
    ) -> None:
        self._database = database
        self._providers = providers
        self._arrivals = arrivals
        self._authentication = authentication
        self._openid = parties.openid
        self._parties = parties

    async def metadata(self) -> str:
        """This cloud's SAML metadata, an XML document."""
        return await pools.HASH(lambda: self._parties.saml().metadata())

    def check_origin(self, origin: str | None) -> str:
        """A dashboard that may be given tokens. Raises BadRequest, Unauthorized."""
        if not origin:
            raise BadRequest("Request must have an origin query parameter")
        if origin not in self._parties.trusted_dashboards:
            raise Unauthorized(f"{origin[:200]} is not a trusted dashboard host")
        return origin

    async def provider_for(self, protocol_id: str) -> str:
        """The one provider that speaks a protocol, for sign-ons that name no provider."""

        def find(tx: Tx) -> list[str]:
            rows = self._providers.protocols.page(tx, where={"id": protocol_id})
            return [
                row.idp_id
                for row in rows
                if (row.idp_id in self._openid or row.idp_id in self._parties.saml_providers)
                and self._providers.provider(tx, row.idp_id).enabled
            ]

        found = await self._database.read(find)
        if len(found) != 1:
            raise NotFound(
                f"{len(found)} identity providers speak {protocol_id}: name one with "
                "/v3/auth/OS-FEDERATION/identity_providers/ID/protocols/ID/websso."
            )
        return found[0]

    # An access token

    async def by_access_token(self, idp_id: str, protocol_id: str, token: str) -> Issued:
        await self._check_way(idp_id, protocol_id)
        party = self._openid.get(idp_id)
        if party is None:
            raise Unauthorized("This identity provider's access tokens are not known here.")
        with _wording():
            claims = await party.claims_of_access_token(token)
        return await self._issue(idp_id, protocol_id, openid_attributes(claims), OPENID_ISSUER)

    # Sign-on with a browser

    async def begin(
        self, idp_id: str, protocol_id: str, origin: str, openid_callback: str
    ) -> Journey:
        """Raises Unauthorized if the provider has no sign-on here."""
        await self._check_way(idp_id, protocol_id)
        sign_on, cookie = _new_sign_on(idp_id, protocol_id, origin)
        party = self._openid.get(idp_id)
        with _wording():
            if party is not None:
                url = await party.login_url(
                    openid_callback, sign_on.id, sign_on.nonce, sign_on.verifier
                )
            elif idp_id in self._parties.saml_providers:
                saml = await self._saml()
                request_id, url = await pools.HASH(saml.login_url, idp_id, sign_on.id)
                sign_on = replace(sign_on, nonce=request_id, verifier="")
            else:
                raise Unauthorized("The request you have made requires authentication.")
        await self._database.write(lambda tx: _keep(tx, sign_on), name="begin sign-on")
        return Journey(url, cookie)

    async def finish_openid(self, state: str, code: str, cookie: str, callback: str) -> Landing:
        sign_on = await self._take(state, cookie)
        party = self._openid.get(sign_on.idp_id)
        if party is None or not sign_on.verifier:
            raise Unauthorized("This sign-on was not begun with an OpenID provider.")
        with _wording():
            claims = await party.claims_of_code(code, callback, sign_on.nonce, sign_on.verifier)
        issued = await self._issue(
            sign_on.idp_id, sign_on.protocol_id, openid_attributes(claims), OPENID_ISSUER
        )
        return Landing(issued, sign_on.origin)

    # SAML

    def expired(self, tx: Tx, most: int) -> list[SignOnRow]:
        return tx.all(queries.EXPIRED_SIGN_ONS, now=time.time(), most=most)

    def forget_expired(self, tx: Tx, row: SignOnRow) -> None:
        tx.delete(row)

    async def begin_ecp(self, idp_id: str, protocol_id: str) -> str:
        """What an enhanced client takes to its provider."""
        await self._check_way(idp_id, protocol_id)
        saml = await self._saml()
        sign_on, _ = _new_sign_on(idp_id, protocol_id, "")
        with _wording():
            request_id, envelope = await pools.HASH(saml.ecp_request, idp_id, sign_on.id)
        sign_on = replace(sign_on, nonce=request_id, verifier="", browser="")
        await self._database.write(lambda tx: _keep(tx, sign_on), name="begin sign-on")
        return envelope

    async def finish_ecp(self, body: bytes) -> tuple[str, str, str]:
        """(session, provider's id, protocol's id) of an assertion that a client has brought.

        Without a request of ours before it (a cloud that we believe has sent its user), provider
        and protocol are empty: the client says later which it means.
        """
        saml = await self._saml()
        with _wording():
            said = await pools.HASH(saml.read, body, paos=True)
        state = saml.relay_state_of(body)
        if said.in_response_to is None:
            session = await self._open_session(said, "", "", "")
            return session, "", ""
        sign_on = await self._take(state or "", "")
        _check_answer(said, sign_on)
        session = await self._open_session(said, sign_on.idp_id, sign_on.protocol_id, "")
        return session, sign_on.idp_id, sign_on.protocol_id

    async def finish_saml(self, response: bytes, state: str, cookie: str) -> Landing:
        """A browser posts its provider's answer."""
        saml = await self._saml()
        sign_on = await self._take(state, cookie)
        with _wording():
            said = await pools.HASH(saml.read, response, paos=False)
            expected = await pools.HASH(saml.entity_of, sign_on.idp_id)
        _check_answer(said, sign_on)
        if said.issuer != expected:
            raise Unauthorized("The assertion is of another identity provider.")
        issued = await self._issue(
            sign_on.idp_id, sign_on.protocol_id, saml_attributes(said), SAML_ISSUER, said
        )
        return Landing(issued, sign_on.origin)

    async def by_session(self, idp_id: str, protocol_id: str, session: str) -> Issued:
        """The token for a SAML session, once."""
        await self._check_way(idp_id, protocol_id)
        saml = await self._saml()
        found = await self._database.write(
            lambda tx: _end(tx, _hashed(session), session=True), name="end session"
        )
        if found is None or found.attributes is None:
            raise Unauthorized("There is no such session.")
        with _wording():
            expected = await pools.HASH(saml.entity_of, idp_id)
        mine = (found.idp_id, found.protocol_id) in (("", ""), (idp_id, protocol_id))
        if found.issuer != expected or not mine:
            raise Unauthorized("The assertion is of another identity provider.")
        return await self._issue(idp_id, protocol_id, found.attributes, SAML_ISSUER)

    async def _saml(self) -> SamlParty:
        if not self._parties.saml_providers:
            raise Unauthorized("This cloud believes no SAML provider.")
        return await pools.HASH(self._parties.saml)

    async def _open_session(
        self, said: Assertion, idp_id: str, protocol_id: str, origin: str
    ) -> str:
        row, secret = _new_sign_on(idp_id, protocol_id, origin)
        row = replace(
            row,
            # Whoever shows the secret is the client; the row holds only its hash.
            id=_hashed(secret),
            verifier="",
            issuer=said.issuer,
            attributes=saml_attributes(said),
            expires=time.time() + SESSION_SECONDS,
        )

        def write(tx: Tx) -> None:
            _refuse_again(tx, said)
            _keep(tx, row)

        await self._database.write(write, name="open session")
        return secret

    async def _check_way(self, idp_id: str, protocol_id: str) -> None:
        await self._database.read(lambda tx: self._arrivals.way(tx, idp_id, protocol_id))

    async def _take(self, id: str, cookie: str) -> SignOnRow:
        """The sign-on, which is over with this: its id is good once."""
        row = await self._database.write(lambda tx: _end(tx, id, session=False), name="end sign-on")
        if row is None:
            raise Unauthorized("This sign-on is unknown or took too long: begin again.")
        if row.browser and not hmac.compare_digest(row.browser, _hashed(cookie)):
            raise Unauthorized("This sign-on was begun in another browser.")
        return row

    async def _issue(
        self,
        idp_id: str,
        protocol_id: str,
        attributes: Mapping[str, str],
        issuer_attribute: str,
        said: Assertion | None = None,
    ) -> Issued:
        def arrive(tx: Tx) -> Identified:
            if said is not None:
                _refuse_again(tx, said)
            return self._arrivals.arrive(tx, idp_id, protocol_id, attributes, issuer_attribute)

        found = await self._database.write(arrive, name="federated login")
        return await self._authentication.issue(found, "unscoped")


class _wording:
    """A driver's refusals as faults for the client."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NotBelieved):
            raise Unauthorized(f"The identity provider's word is not good here: {error}") from None
        if isinstance(error, ProviderUnreachable):
            raise Unauthorized(f"The identity provider cannot be asked: {error}") from None


def _new_sign_on(idp_id: str, protocol_id: str, origin: str) -> tuple[SignOnRow, str]:
    cookie = secrets.token_urlsafe(32)
    row = SignOnRow(
        id=secrets.token_urlsafe(32),
        idp_id=idp_id,
        protocol_id=protocol_id,
        origin=origin,
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        browser=_hashed(cookie),
        issuer="",
        attributes=None,
        expires=time.time() + SIGN_ON_SECONDS,
    )
    return row, cookie


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _keep(tx: Tx, row: SignOnRow) -> None:
    if tx.value(queries.SIGN_ONS) >= SIGN_ONS:
        raise TooManyRequests("Too many sign-ons are under way: try again in a minute.")
    tx.insert(row)


def _end(tx: Tx, id: str, *, session: bool) -> SignOnRow | None:
    """The sign-on or session of that id, taken away; None if there is none that is still good."""
    row = tx.get(SignOnRow, id)
    if row is None or (row.attributes is not None) != session:
        return None
    tx.delete(row)
    return row if row.expires > time.time() else None


def _check_answer(said: Assertion, sign_on: SignOnRow) -> None:
    if said.in_response_to != sign_on.nonce:
        raise Unauthorized("The assertion answers another request.")


def _refuse_again(tx: Tx, said: Assertion) -> None:
    if not use_once(tx, Once(f"{said.issuer} {said.id}", said.expires)):
        raise Unauthorized("The assertion was used before.")
