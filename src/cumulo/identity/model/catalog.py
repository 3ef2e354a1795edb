"""The catalog: regions, services and endpoints."""

from typing import Annotated, Any, Literal

from cumulo.core.db.rows import Index, Key, References, Row, table

Interface = Literal["public", "internal", "admin"]


@table("identity_regions")
class RegionRow(Row, frozen=True):
    id: Annotated[str, Key()]
    parent_region_id: Annotated[str | None, References("identity_regions.id")]
    description: str
    extra: dict[str, Any]


@table("identity_services")
class ServiceRow(Row, frozen=True):
    id: Annotated[str, Key()]
    type: Annotated[str, Index()]
    name: str | None
    description: str | None
    enabled: bool
    extra: dict[str, Any]


@table("identity_endpoints")
class EndpointRow(Row, frozen=True):
    id: Annotated[str, Key()]
    service_id: Annotated[str, Index(), References("identity_services.id", on_delete="CASCADE")]
    region_id: Annotated[str | None, References("identity_regions.id")]
    interface: Interface
    url: str
    """May contain `$(project_id)s`, which the catalog of a project fills in."""
    enabled: bool
    extra: dict[str, Any]
