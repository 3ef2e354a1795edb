"""The relying party: what an OpenID provider's tokens say, once its signature is checked.

Two ways lead here. A client brings an access token that it got by itself (OAuth 2.0 resource
server: RFC 6750; JSON Web Tokens are verified with the provider's keys, others are asked about by
RFC 7662 introspection). Or a browser comes back with a code (OpenID Connect authorization code flow
with PKCE, state and nonce). Providers are named by the operator's settings, so they may be
anywhere, also on private addresses.
"""

import asyncio
import base64
import hashlib
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from cumulo.core.outbound import client
from cumulo.core.outbound.client import RequestFailed, target_of

KEPT_SECONDS = 3600.0
"""How long a provider's metadata and keys are believed."""
KEYS_PAUSE = 10.0
"""Seconds between two looks for new keys: a made-up key id must not become a load there."""
LEEWAY = 30
ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
ALGORITHMS = [*ASYMMETRIC, "EdDSA"]


class OpenIdRefused(Exception):
    """What was presented is not good; the text says why, without the token."""


class OpenIdUnreachable(Exception):
    """The provider does not answer, or not what the standard says."""


class OpenIdClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How this cloud is known to an OpenID provider."""

    issuer: str
    client_id: str
    client_secret: str = ""
    audiences: list[str] = []
    """For whom access tokens may have been made, besides for `client_id`."""
    scopes: str = "openid email profile"
    metadata_url: str = ""
    """Empty: ISSUER/.well-known/openid-configuration."""
    ca_file: str = ""
    """Who signed the provider's certificate, if no public authority did."""


class OpenIdProvider:
    """One provider, as a client of it sees it."""

    def __init__(self, settings: OpenIdClient) -> None:
        self._settings = settings
        self._metadata: dict[str, Any] = {}
        self._metadata_at = -KEPT_SECONDS
        self._keys: KeySet | None = None
        self._keys_at = -KEPT_SECONDS
        self._lock = asyncio.Lock()

    async def claims_of_access_token(self, token: str) -> dict[str, Any]:
        """What the token says, completed by what the provider says of the user.

        Raises OpenIdRefused, OpenIdUnreachable.
        """
        metadata = await self._known()
        claims = await self._access_claims(token, metadata)
        if endpoint := metadata.get("userinfo_endpoint"):
            more = await self._userinfo(endpoint, token)
            # The user's page must be about the user whom the token is of.
            if more.get("sub", claims.get("sub")) != claims.get("sub"):
                raise OpenIdRefused("the provider's user page is about somebody else")
            claims = {**more, **claims}
        return claims

    async def login_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where a browser is sent to sign on."""
        metadata = await self._known()
        digest = hashlib.sha256(verifier.encode()).digest()
        wanted = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._settings.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = str(metadata["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(wanted)}"

    async def claims_of_code(
        self, code: str, redirect_uri: str, nonce: str, verifier: str
    ) -> dict[str, Any]:
        """What a sign-on that came back with `code` says. Raises as above."""
        metadata = await self._known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        answer = await self._post(str(metadata["token_endpoint"]), form)
        claims = await self._verified(str(answer.get("id_token") or ""), metadata)
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if self._settings.client_id not in named or claims.get("nonce") != nonce:
            raise OpenIdRefused("the id token is not for this sign-on")
        access, endpoint = answer.get("access_token"), metadata.get("userinfo_endpoint")
        if access and endpoint:
            more = await self._userinfo(endpoint, str(access))
            if more.get("sub") != claims.get("sub"):
                raise OpenIdRefused("the provider's user page is about somebody else")
            claims = {**more, **claims}
        return claims

    async def _access_claims(self, token: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        if token.count(".") == 2 and metadata.get("jwks_uri"):
            claims = await self._verified(token, metadata)
            self._check_audience(claims)
            return claims
        endpoint = metadata.get("introspection_endpoint")
        if not endpoint:
            raise OpenIdRefused("the access token cannot be verified")
        claims = await self._post(str(endpoint), {"token": token})
        if claims.get("active") is not True:
            raise OpenIdRefused("the access token is not active")
        if claims.get("iss", self._settings.issuer) != self._settings.issuer:
            raise OpenIdRefused("the access token is of another provider")
        if "exp" in claims and float(claims["exp"]) < time.time() - LEEWAY:
            raise OpenIdRefused("the access token has expired")
        self._check_audience(claims)
        return {"iss": self._settings.issuer, **claims}

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        """A token that somebody else's service was given must not open this one."""
        accepted = {self._settings.client_id, *self._settings.audiences}
        audience = claims.get("aud")
        named = set(audience) if isinstance(audience, list) else {audience}
        named |= {claims.get("azp"), claims.get("client_id")}
        if not named & accepted:
            raise OpenIdRefused("the access token was made for somebody else")

    async def _verified(self, token: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The claims of a signed token. Raises OpenIdRefused."""
        keys = await self._key_set(metadata, again=False)
        try:
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # A key that we have not seen: the provider may have changed its keys.
            keys = await self._key_set(metadata, again=True)
            try:
                found = jwt.decode(token, keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError) as error:
                raise OpenIdRefused(f"the token's signature is not good: {error}") from None
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self._settings.issuer},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            rules.validate(found.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise OpenIdRefused(f"the token is not good: {error}") from None
        return dict(found.claims)

    async def _key_set(self, metadata: Mapping[str, Any], *, again: bool) -> KeySet:
        patience = KEYS_PAUSE if again else KEPT_SECONDS
        async with self._lock:
            if self._keys is None or self._keys_at + patience < time.monotonic():
                document = await self._get(str(metadata["jwks_uri"]))
                try:
                    self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise OpenIdUnreachable(f"the provider's keys make no sense: {error}") from None
                self._keys_at = time.monotonic()
            return self._keys

    async def _known(self) -> dict[str, Any]:
        """The provider's metadata (OpenID Connect Discovery 1.0)."""
        async with self._lock:
            if self._metadata_at + KEPT_SECONDS < time.monotonic():
                given = self._settings
                url = given.metadata_url or (
                    f"{given.issuer.rstrip('/')}/.well-known/openid-configuration"
                )
                found = await self._get(url)
                if found.get("issuer") != given.issuer:
                    raise OpenIdUnreachable(
                        f"{url} is of {found.get('issuer')!r}, not of {given.issuer!r}"
                    )
                self._metadata, self._metadata_at = found, time.monotonic()
            return self._metadata

    async def _userinfo(self, endpoint: str, token: str) -> dict[str, Any]:
        found = await self._get(str(endpoint), {"Authorization": f"Bearer {token}"})
        return {name: value for name, value in found.items() if name not in ("iss", "aud", "exp")}

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._ask("GET", url, {"Accept": "application/json", **(headers or {})}, None)

    async def _post(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        given = self._settings
        if given.client_secret:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(given.client_id, safe='')}:{quote(given.client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return await self._ask("POST", url, headers, urlencode(form).encode())

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> dict[str, Any]:
        verify = None
        if self._settings.ca_file:
            verify = ssl.create_default_context(cafile=self._settings.ca_file)
        try:
            target = target_of(url)
            answer = await client.request(
                method,
                target,
                [target.host],
                headers=headers,
                body=body,
                patience=10.0,
                verify=verify,
            )
            async with answer:
                text = await answer.text()
        except (RequestFailed, ValueError, OSError) as error:
            raise OpenIdUnreachable(f"{url}: {error}") from None
        if answer.status in (400, 401, 403):
            raise OpenIdRefused(f"the provider refused: status {answer.status}")
        if answer.status != 200:
            raise OpenIdUnreachable(f"{url}: status {answer.status}")
        try:
            found = json.loads(text)
        except ValueError:
            raise OpenIdUnreachable(f"{url}: no JSON") from None
        if not isinstance(found, dict):
            raise OpenIdUnreachable(f"{url}: no JSON object")
        return found
