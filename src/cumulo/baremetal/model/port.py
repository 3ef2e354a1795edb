"""Ports: the network cards of nodes."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table


@table("baremetal_ports", Unique("address"))
class PortRow(Row, frozen=True):
    """A network card, known by its MAC address."""

    id: Annotated[str, Key()]
    node_id: Annotated[str, Index(), References("baremetal_nodes.id", "CASCADE")]
    address: str
    """In small letters, with colons."""
    extra: dict[str, Any]
    local_link_connection: dict[str, Any]
    pxe_enabled: bool
    physical_network: str | None
    portgroup_id: Annotated[str | None, Index()]
    name: Annotated[str | None, Index()]
    description: str | None
    vendor: str | None
    category: str | None
    is_smartnic: bool
    available_for_dynamic_portgroup: bool
    vif: str | None
    """The network's port that is attached to it."""
    created_at: Moment
    updated_at: Moment | None
