"""Group types: what groups of volumes can do together."""

from collections.abc import Mapping
from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table

CONSISTENT_TYPE = "default_cgsnapshot_type"
"""The type of what the older API calls consistency groups; it is always there."""
CONSISTENT = "consistent_group_snapshot_enabled"
REPLICATING = ("group_replication_enabled", "consistent_group_replication_enabled")


@table("volume_group_types", Unique("name"))
class GroupTypeRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    description: str | None
    is_public: bool
    group_specs: dict[str, str]
    created_at: Moment
    updated_at: Moment | None


def replicates(specs: Mapping[str, str]) -> bool:
    """It asks for what no pool here can do."""
    return any(specs.get(name, "").strip().lower() == "<is> true" for name in REPLICATING)
