"""QoS types (2.94): named sets of specs for back ends that can hold shares to them."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, Unique, table

DEFAULT_OF_TYPE = "default_qos_type"
"""A share type's extra spec that names one."""


@table("share_qos_types", Unique("name"))
class QosTypeRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    description: str | None
    specs: dict[str, str]
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None
