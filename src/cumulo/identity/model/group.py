"""Groups of users: what is given to a group, each of its members has."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table
from cumulo.identity.model.directory import Origin


@table("identity_groups", Unique("domain_id", "name"), IndexOn("name", "id"))
class GroupRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    domain_id: Annotated[str, References("identity_domains.id")]
    description: str
    extra: dict[str, Any]
    """Attributes that clients made up; identity keeps and returns them."""
    origin: Origin | None = None
    """Its place in the domain's directory; None: it lives here alone."""


@table("identity_memberships", IndexOn("group_id", "user_id"))
class MembershipRow(Row, frozen=True):
    user_id: Annotated[str, Key(), References("identity_users.id", on_delete="CASCADE")]
    group_id: Annotated[str, Key(), References("identity_groups.id", on_delete="CASCADE")]
    idp_id: str | None = None
    """The identity provider that vouched for it at the user's last login; None: it is for good."""
    expires: Annotated[Moment | None, Index()] = None
    """When that is forgotten."""
