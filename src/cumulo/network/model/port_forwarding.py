"""Port forwardings: one port of a floating IP that leads to one port of a guest's address."""

from typing import Annotated

from cumulo.core.db.rows import Index, References, Unique, table
from cumulo.network.model.standard import Standard


@table(
    "network_port_forwardings",
    Unique("floatingip_id", "protocol", "external_port"),
    Unique("internal_port_id", "internal_ip_address", "protocol", "internal_port"),
)
class PortForwardingRow(Standard, frozen=True):
    floatingip_id: Annotated[str, References("network_floatingips.id")]
    protocol: str
    external_port: int
    internal_port_id: str
    """The port, of a network, behind which the guest is."""
    internal_ip_address: str
    internal_port: int
    router_id: Annotated[str, Index()]
    """The router that translates: the floating IP's."""
