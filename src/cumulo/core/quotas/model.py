"""What projects use, and the limits that differ from the defaults."""

from typing import Annotated

from cumulo.core.db.rows import Key, Row, table


@table("quota_usages")
class UsageRow(Row, frozen=True):
    project_id: Annotated[str, Key()]
    service: Annotated[str, Key()]
    resource: Annotated[str, Key()]
    used: int


@table("quota_limits")
class LimitRow(Row, frozen=True):
    project_id: Annotated[str, Key()]
    service: Annotated[str, Key()]
    resource: Annotated[str, Key()]
    value: int
