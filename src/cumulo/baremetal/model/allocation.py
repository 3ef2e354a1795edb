"""Allocations: a wish for a node of a class, and the node that it got."""

from typing import Annotated, Any, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, Unique, table


@table("baremetal_allocations", Unique("name"), Unique("node_id"))
class AllocationRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str | None
    node_id: str | None
    resource_class: str | None
    traits: list[str]
    candidate_nodes: list[str]
    """Ids; empty: any node will do."""
    state: Annotated[Literal["allocating", "active", "error"], Index()]
    last_error: str | None
    owner: Annotated[str | None, Index()]
    extra: dict[str, Any]
    created_at: Moment
    updated_at: Moment | None
