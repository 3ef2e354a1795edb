"""Port groups: network cards that are one to the network."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table


@table("baremetal_portgroups", Unique("address"), Unique("name"))
class PortgroupRow(Row, frozen=True):
    id: Annotated[str, Key()]
    node_id: Annotated[str, Index(), References("baremetal_nodes.id", "CASCADE")]
    name: str | None
    address: str | None
    extra: dict[str, Any]
    standalone_ports_supported: bool
    mode: str
    properties: dict[str, Any]
    physical_network: str | None
    category: str | None
    dynamic_portgroup: bool
    vif: str | None
    """The network's port that is attached to it."""
    created_at: Moment
    updated_at: Moment | None
