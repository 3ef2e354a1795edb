"""What federation needs of its drivers, and their words as the mapping language reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cumulo.identity.model.assertion import Assertion


class OpenIdParty(Protocol):
    """One OpenID provider, seen as its client. All raise NotBelieved and ProviderUnreachable."""

    async def claims_of_access_token(self, token: str) -> dict[str, Any]: ...
    async def login_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str: ...
    async def claims_of_code(
        self, code: str, redirect_uri: str, nonce: str, verifier: str
    ) -> dict[str, Any]: ...


class SamlParty(Protocol):
    """This cloud among SAML's. Methods block: call them in a thread. Raise NotBelieved."""

    def entity_of(self, idp_id: str) -> str: ...
    def ecp_request(self, idp_id: str, relay_state: str) -> tuple[str, str]: ...
    def login_url(self, idp_id: str, relay_state: str) -> tuple[str, str]: ...
    def read(self, response: bytes, *, paos: bool) -> Assertion: ...
    def relay_state_of(self, envelope: bytes) -> str | None: ...
    def metadata(self) -> str: ...
    def issue(self, sp_url: str, user: str, attributes: Mapping[str, Sequence[str]]) -> str: ...
    def envelope(self, response: str, relay_state: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is set up in the settings. `saml` makes the driver at its first use: it is large."""

    openid: Mapping[str, OpenIdParty]
    saml_providers: frozenset[str]
    saml: Callable[[], SamlParty]
    trusted_dashboards: Sequence[str] = ()


OPENID_ISSUER = "HTTP_OIDC_ISS"
SAML_ISSUER = "MELLON_IDP"
"""The attributes that name the provider, unless the protocol says another."""


def openid_attributes(claims: Mapping[str, Any]) -> dict[str, str]:
    """Claims under the names that mod_auth_openidc gives them: mappings written for it are good
    here. Lists are joined by `;`, as the mapping language wants them."""
    found: dict[str, str] = {}
    for name, value in claims.items():
        text = _text(value)
        if text is None:
            continue
        found[f"OIDC-{name}"] = found[f"OIDC_CLAIM_{name}"] = text
        found[f"HTTP_OIDC_{name.upper().replace('-', '_')}"] = text
    subject = _text(claims.get("sub"))
    if subject is not None:
        found["REMOTE_USER"] = subject
    return found


def saml_attributes(said: Assertion) -> dict[str, str]:
    """Attributes under Shibboleth's plain names and under those of mod_auth_mellon."""
    found: dict[str, str] = {}
    for name, values in said.attributes.items():
        text = ";".join(values)
        found[name] = found[f"MELLON_{name}"] = text
    found |= {
        "MELLON_IDP": said.issuer,
        "Shib-Identity-Provider": said.issuer,
        "MELLON_NAME_ID": said.name_id,
        "REMOTE_USER": said.name_id,
    }
    return found


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ";".join(str(each) for each in value)
    return None
