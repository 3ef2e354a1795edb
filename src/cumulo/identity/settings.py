"""Identity's own settings: the table `[identity]` of `cumulo.toml`."""

from typing import Annotated, ClassVar, Literal

import msgspec

from cumulo.settings import Count, Seconds


class OpenIdClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an OpenID provider knows this cloud."""

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


class SamlProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A SAML identity provider."""

    metadata_file: str
    entity_id: str = ""
    """Which of the file's; empty: its only one."""


class IdentitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "identity"

    token_lifetime: Seconds = 3600.0
    password_rounds: Annotated[int, msgspec.Meta(ge=4, le=16)] = 12
    """bcrypt's cost: 2^rounds. 12 is what keystone has."""
    allow_expired_window: Annotated[float, msgspec.Meta(ge=0)] = 172_800.0
    """Seconds after a token's end in which services may still finish what it began."""
    lockout_failure_attempts: Count = 0
    """Wrong passwords that lock an account; 0: back-off alone slows guesses."""
    lockout_duration: Seconds = 1800.0
    disable_user_account_days_inactive: Count = 0
    """Days without a login after which an account counts as disabled; 0: never."""
    password_expires_days: Count = 0
    """0: passwords do not expire."""
    unique_last_password_count: Count = 0
    """How many passwords in a row must differ; 0: any may come again."""
    minimum_password_age: Count = 0
    """Days that a user's own new password must be kept, so that the count above means something."""
    password_regex: str = ""
    """What a password must match; empty: anything."""
    password_regex_description: str = ""
    """The same in words, for whoever is refused."""
    change_password_upon_first_use: bool = False
    """A password that an administrator chose can only be used to choose another."""
    totp_once: bool = False
    """A one-time password is good for one login (RFC 6238, 5.2). Off, as in the real service: the
    command line logs in for each command, and would have to wait half a minute between two."""
    totp_alone: bool = False
    """A one-time password is enough to log in, as in the real service. Off: six digits can be
    guessed, so that another method must come with them, unless a user's own rules say `totp`."""
    max_redelegation_count: Count = 3
    """How often a trust can be lent on."""
    user_limit_application_credentials: Count = 0
    """For each user; 0: any number."""
    allow_insecure_application_credential_trust_escalation: bool = False
    """Unrestricted application credentials may make trusts, which outlive them."""
    limit_model: Literal["flat", "strict_two_level"] = "flat"
    """Unified limits: each project for itself, or a domain's above those of its projects."""
    openid: dict[str, OpenIdClient] = {}
    """By the id of the identity provider (OS-FEDERATION) that speaks OpenID Connect."""
    saml: dict[str, SamlProvider] = {}
    """By the id of the identity provider that speaks SAML 2.0."""
    directory_sync_seconds: Seconds = 60.0
    """How often the users and groups of LDAP directories are read anew."""
    trusted_dashboards: list[str] = []
    """Addresses that a browser may be sent to with a token after a sign-on (WebSSO)."""
