"""Types of share groups: administrators' words for what back ends with groups can hold together."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table


@table("share_group_types", Unique("name"))
class GroupTypeRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    is_public: bool
    group_specs: dict[str, str]
    share_types: list[str]
    """Ids of the share types that its groups' shares may have"""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None


@table("share_group_type_projects")
class GroupTypeProjectRow(Row, frozen=True):
    """A project that may see a private one."""

    type_id: Annotated[str, Key(), References("share_group_types.id", on_delete="CASCADE")]
    project_id: Annotated[str, Key(), Index()]
