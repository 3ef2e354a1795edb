"""Roles, the roles that they imply, and their assignments."""

from typing import Annotated, Any, Literal

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table

TargetType = Literal["project", "domain", "system"]
ActorType = Literal["user", "group"]
SYSTEM: Literal["system"] = "system"

NO_DOMAIN = ""
"""The domain of roles that every domain may use."""


@table("identity_roles", Unique("domain_id", "name"))
class RoleRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    domain_id: str
    description: str | None
    options: dict[str, Any]
    extra: dict[str, Any]


@table("identity_implied_roles")
class ImpliedRoleRow(Row, frozen=True):
    """Who has the prior role has the implied one too."""

    prior_id: Annotated[str, Key(), References("identity_roles.id", on_delete="CASCADE")]
    implied_id: Annotated[str, Key(), References("identity_roles.id", on_delete="CASCADE")]


@table("identity_assignments", IndexOn("target_type", "target_id"))
class AssignmentRow(Row, frozen=True):
    """The role of a user or a group on a project, a domain or the system.

    `actor_id` has no foreign key: users may live in a directory outside of this database. Who
    removes a user or a group removes its assignments too.
    """

    actor_id: Annotated[str, Key()]
    role_id: Annotated[str, Key(), Index(), References("identity_roles.id", on_delete="CASCADE")]
    target_type: Annotated[TargetType, Key()]
    target_id: Annotated[str, Key()]
    """A project's or domain's id, or `system`."""
    inherited: Annotated[bool, Key()]
    """It counts for all projects below the target, and not for the target itself."""
    actor_type: ActorType
