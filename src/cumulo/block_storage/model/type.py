"""Volume types."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table

DEFAULT_TYPE = "__DEFAULT__"


@table("volume_types", Unique("name"))
class TypeRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    description: str | None
    is_public: bool
    extra_specs: dict[str, str]
    created_at: Moment
    updated_at: Moment | None
    qos_id: Annotated[str | None, Index()] = None
    """What its volumes may do in a second: a `qos.QosRow`, which leaves its types when it goes."""


@table("volume_default_types")
class DefaultTypeRow(Row, frozen=True):
    """The type of a project's volumes where nobody names one."""

    project_id: Annotated[str, Key()]
    type_id: Annotated[str, Index(), References("volume_types.id")]
    created_at: Moment


@table("volume_type_access")
class TypeAccessRow(Row, frozen=True):
    """A project that may use a type which is not public."""

    type_id: Annotated[str, Key(), References("volume_types.id", on_delete="CASCADE")]
    project_id: Annotated[str, Key(), Index()]
