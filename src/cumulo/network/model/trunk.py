"""Trunks: a port that carries other ports' frames, each under a tag of its own."""

from typing import Annotated

from cumulo.core.db.rows import Index, Key, References, Row, Unique, table
from cumulo.network.model.orders import ACTIVE, DOWN
from cumulo.network.model.standard import Standard

SUBPORT = "trunk:subport"
"""What a sub-port is to its trunk: as Neutron names the device owner."""


@table("network_trunks", Unique("port_id"))
class TrunkRow(Standard, frozen=True):
    port_id: Annotated[str, References("network_ports.id")]
    admin_state_up: bool = True


@table("network_subports", Unique("trunk_id", "segmentation_type", "segmentation_id"))
class SubPortRow(Row, frozen=True):
    port_id: Annotated[str, Key(), References("network_ports.id")]
    trunk_id: Annotated[str, Index(), References("network_trunks.id", on_delete="CASCADE")]
    segmentation_type: str
    segmentation_id: int
    position: int


def trunk_status(*, parent: str, subports: int) -> str:
    """ACTIVE while its port is and there is nothing that would have to be tagged: no data plane of
    ours tags frames, so a trunk with sub-ports is never more than written down."""
    return ACTIVE if parent == ACTIVE and not subports else DOWN
