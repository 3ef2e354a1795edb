"""Users, with their password as a bcrypt hash."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, Unique, table


@table("identity_users", Unique("domain_id", "name"))
class UserRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    domain_id: Annotated[str, References("identity_domains.id")]
    enabled: bool
    password_hash: str | None
    password_set_at: Moment | None
    default_project_id: str | None
    options: dict[str, Any]
    extra: dict[str, Any]
    """email, description and whatever else clients sent"""
    revoked_before: float
    """Tokens issued before this time (seconds since the epoch) are refused."""
