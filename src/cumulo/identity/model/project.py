"""Projects: what owns resources. A tree below each domain."""

from typing import Annotated, Any

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table


@table("identity_projects", Unique("domain_id", "name"), IndexOn("name", "id"))
class ProjectRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    domain_id: Annotated[str, References("identity_domains.id")]
    parent_id: Annotated[str | None, Index(), References("identity_projects.id")]
    """None: directly below the domain."""
    description: str
    enabled: bool
    tags: list[str]
    options: dict[str, Any]
    extra: dict[str, Any]
