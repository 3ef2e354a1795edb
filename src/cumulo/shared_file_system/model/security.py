"""Security services: the directories of users that a project names for its share networks."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

KINDS = ("ldap", "kerberos", "active_directory")


@table("share_security_services", IndexOn("project_id", "created_at"))
class SecurityServiceRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    type: str
    name: str | None
    description: str | None
    dns_ip: str | None
    user: str | None
    password: str | None
    domain: str | None
    server: str | None
    ou: str | None
    default_ad_site: str | None
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None


@table("share_network_security_services")
class AttachedServiceRow(Row, frozen=True):
    """A security service of a share network: one of each kind at most."""

    share_network_id: Annotated[str, Key(), References("share_networks.id", on_delete="CASCADE")]
    security_service_id: Annotated[str, Key(), Index(), References("share_security_services.id")]
