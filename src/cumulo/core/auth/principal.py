"""Who is asking: the result of verifying a token, the same for every service."""

import functools
from typing import Any

import msgspec

from cumulo.core.auth.policy import RoleNames


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

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @functools.cached_property
    def credentials(self) -> dict[str, Any]:
        """What policy rules may ask about, under oslo.policy's names. Not to be changed."""
        return {
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
