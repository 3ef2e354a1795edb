"""Volume types."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table

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
