"""Volumes of nodes: how a node is known to a storage network, and what it boots from there."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table


@table("baremetal_volume_connectors", Unique("type", "connector_id"))
class ConnectorRow(Row, frozen=True):
    id: Annotated[str, Key()]
    node_id: Annotated[str, Index(), References("baremetal_nodes.id", "CASCADE")]
    type: str
    """`iqn`, `ip`, `mac`, `wwnn`, `wwpn`, `port`, `portgroup`"""
    connector_id: str
    extra: dict[str, Any]
    created_at: Moment
    updated_at: Moment | None


@table("baremetal_volume_targets", Unique("node_id", "boot_index"))
class TargetRow(Row, frozen=True):
    id: Annotated[str, Key()]
    node_id: Annotated[str, References("baremetal_nodes.id", "CASCADE")]
    volume_type: str
    volume_id: str
    boot_index: int
    properties: dict[str, Any]
    """As it is shown: passwords masked."""
    properties_sealed: str | None
    extra: dict[str, Any]
    created_at: Moment
    updated_at: Moment | None
