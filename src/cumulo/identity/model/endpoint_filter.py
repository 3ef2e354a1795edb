"""Which endpoints the catalog of a project shows: single ones, and groups of them."""

from typing import Annotated

from cumulo.core.db.rows import Index, Key, References, Row, table


@table("identity_endpoint_groups")
class EndpointGroupRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    description: str | None
    filters: dict[str, str]
    """`service_id`, `region_id`, `interface`: the endpoints in which all of them are so."""


@table("identity_project_endpoints")
class ProjectEndpointRow(Row, frozen=True):
    project_id: Annotated[str, Key(), References("identity_projects.id", on_delete="CASCADE")]
    endpoint_id: Annotated[
        str, Key(), Index(), References("identity_endpoints.id", on_delete="CASCADE")
    ]


@table("identity_project_endpoint_groups")
class ProjectEndpointGroupRow(Row, frozen=True):
    project_id: Annotated[str, Key(), References("identity_projects.id", on_delete="CASCADE")]
    group_id: Annotated[
        str, Key(), Index(), References("identity_endpoint_groups.id", on_delete="CASCADE")
    ]
