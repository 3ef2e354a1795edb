"""Unified limits: what a resource's default is (registered), and what one project or domain may
have instead."""

from typing import Annotated, Literal

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

UNLIMITED = -1

LimitModel = Literal["flat", "strict_two_level"]


@table("identity_registered_limits", IndexOn("service_id", "resource_name"))
class RegisteredLimitRow(Row, frozen=True):
    """One for each service, region (None: all of them) and name."""

    id: Annotated[str, Key()]
    service_id: str
    region_id: str | None
    """Both may be gone: a service or a region is not kept by the limits that name it."""
    resource_name: str
    default_limit: int
    description: str | None


@table("identity_limits")
class LimitRow(Row, frozen=True):
    """Of a project or of a domain, never of both."""

    id: Annotated[str, Key()]
    registered_limit_id: Annotated[str, Index(), References("identity_registered_limits.id")]
    project_id: Annotated[
        str | None, Index(), References("identity_projects.id", on_delete="CASCADE")
    ]
    domain_id: Annotated[
        str | None, Index(), References("identity_domains.id", on_delete="CASCADE")
    ]
    resource_limit: int
    description: str | None
