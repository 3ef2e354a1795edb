"""Federation: who else may say who somebody is, and what their words mean here."""

from typing import Annotated, Any

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table


@table("identity_providers")
class IdentityProviderRow(Row, frozen=True):
    """A foreign authority. Its users live in its domain."""

    id: Annotated[str, Key()]
    """A name that the operator chose."""
    domain_id: Annotated[str, Index(), References("identity_domains.id")]
    description: str | None
    enabled: bool
    remote_ids: list[str]
    """How it calls itself: an issuer URL, a SAML entity id. Empty: whatever it says is believed."""
    authorization_ttl: int | None
    """Minutes that a group membership outlives the login that it came with; None: it is the
    token's alone."""


@table("identity_provider_remote_ids")
class RemoteIdRow(Row, frozen=True):
    """One name of a provider; no two providers share one."""

    remote_id: Annotated[str, Key()]
    idp_id: Annotated[str, Index(), References("identity_providers.id", on_delete="CASCADE")]


@table("identity_mappings")
class MappingRow(Row, frozen=True):
    id: Annotated[str, Key()]
    rules: list[dict[str, Any]]
    schema_version: str


@table("identity_federation_protocols")
class ProtocolRow(Row, frozen=True):
    """How a provider speaks (`openid`, `saml2`, or the operator's own word), and which mapping
    understands it."""

    idp_id: Annotated[str, Key(), References("identity_providers.id", on_delete="CASCADE")]
    id: Annotated[str, Key()]
    mapping_id: Annotated[str, Index()]
    remote_id_attribute: str | None


@table("identity_service_providers")
class ServiceProviderRow(Row, frozen=True):
    """Another cloud that believes this one."""

    id: Annotated[str, Key()]
    auth_url: str
    sp_url: str
    description: str | None
    enabled: bool
    relay_state_prefix: str


@table(
    "identity_federated_users",
    Unique("idp_id", "protocol_id", "unique_id"),
    IndexOn("user_id"),
)
class FederatedUserRow(Row, frozen=True):
    """What a local user is called elsewhere."""

    user_id: Annotated[str, Key(), References("identity_users.id", on_delete="CASCADE")]
    idp_id: Annotated[str, Key(), References("identity_providers.id", on_delete="CASCADE")]
    protocol_id: Annotated[str, Key()]
    unique_id: str
    display_name: str


@table("identity_sign_ons", IndexOn("expires"))
class SignOnRow(Row, frozen=True):
    """A sign-on between its first step and its last.

    First somebody was sent to a provider; with `attributes`, a SAML provider has answered and the
    client that holds the secret may fetch its token.
    """

    id: Annotated[str, Key()]
    idp_id: str
    protocol_id: str
    origin: str
    """The dashboard that waits for the token; empty: the client itself does."""
    nonce: str
    """What the answer must repeat: OpenID's nonce, the id of a SAML request."""
    verifier: str
    """PKCE's secret; empty for SAML."""
    browser: str
    """SHA-256 of the cookie that the browser was given; empty for clients without one."""
    issuer: str
    attributes: dict[str, str] | None
    expires: float
