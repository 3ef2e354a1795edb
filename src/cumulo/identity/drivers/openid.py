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
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from cumulo.core.outbound import client
from cumulo.core.outbound.client import RequestFailed, target_of
from cumulo.identity.model.assertion import NotBelieved, ProviderUnreachable

KEPT_SECONDS = 3600.0
"""How long a provider's metadata and keys are believed."""
KEYS_PAUSE = 10.0
"""Seconds between two looks for new keys: a made-up key id must not become a load there."""
LEEWAY = 30
ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
ALGORITHMS = [*ASYMMETRIC, "EdDSA"]


class OpenIdProvider:
    """One provider, as a client of it sees it.

    `audiences`: for whom access tokens may have been made, besides for `client_id`.
    `metadata_url`: empty for ISSUER/.well-known/openid-configuration. `ca_file`: who signed the
    provider's certificate, if no public authority did.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str = "",
        audiences: Sequence[str] = (),
        scopes: str = "openid email profile",
        metadata_url: str = "",
        ca_file: str = "",
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._audiences = {client_id, *audiences}
        self._scopes = scopes
        self._metadata_url = metadata_url or (
            f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        )
        self._ca_file = ca_file
        self._metadata: dict[str, Any] = {}
        self._metadata_at = -KEPT_SECONDS
        self._keys: KeySet | None = None
        self._keys_at = -KEPT_SECONDS
        self._lock = asyncio.Lock()

    async def claims_of_access_token(self, token: str) -> dict[str, Any]:
        """What the token says, completed by what the provider says of the user.

        Raises NotBelieved, ProviderUnreachable.
        """
        metadata = await self._known()
        claims = await self._access_claims(token, metadata)
        if endpoint := metadata.get("userinfo_endpoint"):
            more = await self._userinfo(endpoint, token)
            # The user's page must be about the user whom the token is of.
            if more.get("sub", claims.get("sub")) != claims.get("sub"):
                raise NotBelieved("the provider's user page is about somebody else")
            claims = {**more, **claims}
        return claims

    async def login_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where a browser is sent to sign on."""
        metadata = await self._known()
        digest = hashlib.sha256(verifier.encode()).digest()
        wanted = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scopes,
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
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        answer = await self._post(str(metadata["token_endpoint"]), form)
        claims = await self._verified(str(answer.get("id_token") or ""), metadata)
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if self._client_id not in named or claims.get("nonce") != nonce:
            raise NotBelieved("the id token is not for this sign-on")
        access, endpoint = answer.get("access_token"), metadata.get("userinfo_endpoint")
        if access and endpoint:
            more = await self._userinfo(endpoint, str(access))
            if more.get("sub") != claims.get("sub"):
                raise NotBelieved("the provider's user page is about somebody else")
            claims = {**more, **claims}
        return claims

    async def _access_claims(self, token: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        if token.count(".") == 2 and metadata.get("jwks_uri"):
            claims = await self._verified(token, metadata)
            self._check_audience(claims)
            return claims
        endpoint = metadata.get("introspection_endpoint")
        if not endpoint:
            raise NotBelieved("the access token cannot be verified")
        claims = await self._post(str(endpoint), {"token": token})
        if claims.get("active") is not True:
            raise NotBelieved("the access token is not active")
        if claims.get("iss", self._issuer) != self._issuer:
            raise NotBelieved("the access token is of another provider")
        if "exp" in claims and float(claims["exp"]) < time.time() - LEEWAY:
            raise NotBelieved("the access token has expired")
        self._check_audience(claims)
        return {"iss": self._issuer, **claims}

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        """A token that somebody else's service was given must not open this one."""
        audience = claims.get("aud")
        named = set(audience) if isinstance(audience, list) else {audience}
        named |= {claims.get("azp"), claims.get("client_id")}
        if not named & self._audiences:
            raise NotBelieved("the access token was made for somebody else")

    async def _verified(self, token: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The claims of a signed token. Raises NotBelieved."""
        keys = await self._key_set(metadata, again=False)
        try:
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # A key that we have not seen: the provider may have changed its keys.
            keys = await self._key_set(metadata, again=True)
            try:
                found = jwt.decode(token, keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError) as error:
                raise NotBelieved(f"the token's signature is not good: {error}") from None
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self._issuer},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            rules.validate(found.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise NotBelieved(f"the token is not good: {error}") from None
        return dict(found.claims)

    async def _key_set(self, metadata: Mapping[str, Any], *, again: bool) -> KeySet:
        patience = KEYS_PAUSE if again else KEPT_SECONDS
        async with self._lock:
            if self._keys is None or self._keys_at + patience < time.monotonic():
                document = await self._get(str(metadata["jwks_uri"]))
                try:
                    self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise ProviderUnreachable(
                        f"the provider's keys make no sense: {error}"
                    ) from None
                self._keys_at = time.monotonic()
            return self._keys

    async def _known(self) -> dict[str, Any]:
        """The provider's metadata (OpenID Connect Discovery 1.0)."""
        async with self._lock:
            if self._metadata_at + KEPT_SECONDS < time.monotonic():
                url = self._metadata_url
                found = await self._get(url)
                if found.get("issuer") != self._issuer:
                    raise ProviderUnreachable(
                        f"{url} is of {found.get('issuer')!r}, not of {self._issuer!r}"
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
        if self._client_secret:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return await self._ask("POST", url, headers, urlencode(form).encode())

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> dict[str, Any]:
        verify = None
        if self._ca_file:
            verify = ssl.create_default_context(cafile=self._ca_file)
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
            raise ProviderUnreachable(f"{url}: {error}") from None
        if answer.status in (400, 401, 403):
            raise NotBelieved(f"the provider refused: status {answer.status}")
        if answer.status != 200:
            raise ProviderUnreachable(f"{url}: status {answer.status}")
        try:
            found = json.loads(text)
        except ValueError:
            raise ProviderUnreachable(f"{url}: no JSON") from None
        if not isinstance(found, dict):
            raise ProviderUnreachable(f"{url}: no JSON object")
        return found
