"""Users, with their password as a bcrypt hash."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Serial, Unique, table
from cumulo.identity.model.directory import Origin


@table("identity_users", Unique("domain_id", "name"), IndexOn("name", "id"))
class UserRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    domain_id: Annotated[str, References("identity_domains.id")]
    enabled: bool
    password_hash: str | None
    password_set_at: Moment | None
    default_project_id: Annotated[str | None, Index()]
    options: dict[str, Any]
    extra: dict[str, Any]
    """email, description and whatever else clients sent"""
    revoked_before: float
    """Tokens issued before this time (seconds since the epoch) are refused."""
    created_at: Moment = ""
    password_expires_at: Moment | None = None
    password_by_user: bool = False
    """The user set the password, not an administrator: its minimum age counts."""
    federated: list[dict[str, Any]] = []
    """`{"idp_id": …, "protocols": [{"protocol_id": …, "unique_id": …}]}`, where it comes from."""
    last_active_at: Moment | None = None
    """The day of the last login, noted only where inactivity disables users."""
    failed_logins: int = 0
    """Wrong passwords since the last right one, counted only where they lock an account."""
    failed_at: Moment | None = None
    origin: Origin | None = None
    """Its place in the domain's directory; None: it lives here alone."""


@table("identity_old_passwords")
class OldPasswordRow(Row, frozen=True):
    """A password that a user had, kept so that it is not chosen again."""

    sequence: Annotated[int, Serial()]
    user_id: Annotated[str, Index(), References("identity_users.id", on_delete="CASCADE")]
    password_hash: str
    set_at: Moment
