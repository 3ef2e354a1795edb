"""Application credentials: what a program logs in with, in the place of its user's password."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table


@table("identity_application_credentials", Unique("user_id", "name"))
class ApplicationCredentialRow(Row, frozen=True):
    id: Annotated[str, Key()]
    user_id: Annotated[str, References("identity_users.id", on_delete="CASCADE")]
    project_id: Annotated[str, Index(), References("identity_projects.id", on_delete="CASCADE")]
    name: str
    description: str | None
    secret_hash: str
    role_ids: list[str]
    unrestricted: bool
    """It may make further credentials and trusts."""
    expires_at: Moment | None
    access_rule_ids: list[str] | None
    """None: whatever the roles allow."""
    created_at: Moment


@table("identity_access_rules", Unique("user_id", "service", "method", "path"))
class AccessRuleRow(Row, frozen=True):
    """A request that credentials of the user may be limited to; several may share it."""

    id: Annotated[str, Key()]
    user_id: Annotated[str, References("identity_users.id", on_delete="CASCADE")]
    service: str
    method: str
    path: str
