"""Who is asking: the result of verifying a token, the same for every service."""

import functools
from typing import Any

import msgspec

from cumulo.core.auth.policy import RoleNames
from cumulo.core.faults import BadRequest


class AccessRule(msgspec.Struct, frozen=True):
    """One request that an application credential may make; anything else is refused.

    `service`: a type of the catalog. `path`: `*` and `{name}` stand for one part of a path, `**`
    for any number of them.
    """

    id: str
    service: str
    method: str
    path: str


class ApplicationCredentialMark(msgspec.Struct, frozen=True):
    """The application credential that a token was got with. `access_rules` None: no limit."""

    id: str
    name: str
    restricted: bool
    access_rules: tuple[AccessRule, ...] | None = None


class TrustMark(msgspec.Struct, frozen=True):
    """The trust that a token acts under."""

    id: str
    impersonation: bool
    trustor_user_id: str
    trustee_user_id: str


class AccessTokenMark(msgspec.Struct, frozen=True):
    """The OAuth 1 access token that a token was got with."""

    id: str
    consumer_id: str


class FederationMark(msgspec.Struct, frozen=True):
    """Where a federated user comes from, and the groups that its assertion gave it."""

    identity_provider_id: str
    protocol_id: str
    group_ids: tuple[str, ...] = ()


class Principal(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A verified user in one scope (a project, a domain, the system, or none)."""

    user_id: str
    user_name: str
    user_domain_id: str
    user_domain_name: str = "Default"
    project_id: str | None = None
    project_name: str | None = None
    project_domain_id: str | None = None
    project_domain_name: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None
    system: bool = False
    roles: tuple[str, ...] = ()
    """Names, implied ones included."""
    role_ids: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    audit_ids: tuple[str, ...] = ()
    issued_at: str = ""
    expires_at: str = ""
    """Moments, see core.clock."""
    expires: float = 0.0
    """The same, in seconds since the epoch."""
    password_expires_at: str | None = None
    is_domain: bool = False
    """The project is a domain that acts as one."""
    trust: TrustMark | None = None
    application_credential: ApplicationCredentialMark | None = None
    access_token: AccessTokenMark | None = None
    federation: FederationMark | None = None
    certificate: str | None = None
    """The thumbprint of the certificate that whoever uses the token must show."""

    @property
    def access_rules(self) -> tuple[AccessRule, ...] | None:
        """All that the token may be used for; None: whatever its roles allow."""
        credential = self.application_credential
        return None if credential is None else credential.access_rules

    @property
    def group_ids(self) -> tuple[str, ...]:
        """Groups beyond those that identity keeps: an assertion's."""
        return () if self.federation is None else self.federation.group_ids

    @property
    def is_delegated(self) -> bool:
        """The token speaks for somebody who lent a part of their rights: it must not get more."""
        return self.trust is not None or self.access_token is not None

    @property
    def is_lent(self) -> bool:
        """The token has a part of its user's right only, whichever way it was lent."""
        credential = self.application_credential is not None or "ec2credential" in self.methods
        return self.is_delegated or credential

    @property
    def lent(self) -> dict[str, str]:
        """What a token was lent by, for work that goes on when the token has ended
        (`identity.interface.Identity.principal_in_project`); empty for a user's own right."""
        made = {}
        if self.trust is not None:
            made = {"trust_id": self.trust.id, "trustee_id": self.trust.trustee_user_id}
        if self.application_credential is not None:
            made["application_credential_id"] = self.application_credential.id
        if self.access_token is not None:
            made["access_token_id"] = self.access_token.id
        return made

    @property
    def signed_on(self) -> dict[str, str]:
        """The foreign provider's word that a token goes by, for the same; empty without one."""
        mark = self.federation
        if mark is None:
            return {}
        made = {"audit_id": self.audit_ids[0]} if self.audit_ids else {}
        return made | {
            "identity_provider_id": mark.identity_provider_id,
            "protocol_id": mark.protocol_id,
            "group_ids": " ".join(mark.group_ids),
        }

    def need_project(self) -> str:
        """The project of the scope. Raises BadRequest for a token without one."""
        if self.project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        return self.project_id

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @functools.cached_property
    def credentials(self) -> dict[str, Any]:
        """What policy rules may ask about, under oslo.policy's names. Not to be changed."""
        trust, lent = self.trust, self.access_token
        return {
            "is_delegated_auth": self.is_delegated,
            "trust_id": None if trust is None else trust.id,
            "trustor_id": None if trust is None else trust.trustor_user_id,
            "trustee_id": None if trust is None else trust.trustee_user_id,
            "access_token_id": None if lent is None else lent.id,
            "consumer_id": None if lent is None else lent.consumer_id,
            "group_ids": list(self.group_ids),
            "user_id": self.user_id,
            "user_domain_id": self.user_domain_id,
            "project_id": self.project_id,
            "project_domain_id": self.project_domain_id,
            "domain_id": self.domain_id,
            "system_scope": "all" if self.system else None,
            "roles": RoleNames(self.roles),
            "is_admin": self.is_admin,
            "is_admin_project": True,
            "tenant": self.project_id,
            "tenant_id": self.project_id,
            "user": self.user_id,
        }
