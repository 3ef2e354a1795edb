"""Floating IPs: external addresses that lead to a port."""

from typing import Annotated

from cumulo.core.db.rows import Index, References, Unique, table
from cumulo.network.model.orders import ACTIVE, DOWN
from cumulo.network.model.standard import Standard


@table("network_floatingips", Unique("port_id", "fixed_ip_address", "floating_network_id"))
class FloatingIpRow(Standard, frozen=True):
    floating_network_id: Annotated[str, Index(), References("network_networks.id")]
    floating_ip_address: str
    floating_port_id: str
    """The port that holds the address on the external network."""
    port_id: Annotated[str | None, Index()] = None
    fixed_ip_address: str | None = None
    router_id: Annotated[str | None, Index()] = None
    """The router that translates; set while it is associated."""
    dns_name: str = ""
    qos_policy_id: Annotated[str | None, Index(), References("network_qos_policies.id")] = None
    dns_domain: str = ""
    published: bool = False
    """DNS has a name of it."""
    generation: int = 0
    observed: str | None = None
    fault: str | None = None
    status: str = DOWN


def floatingip_status(*, leads_to: str | None, observed: str | None, fault: str | None) -> str:
    """`leads_to`: its port, or with port forwardings its router. DOWN without; ACTIVE once the
    router's host translates; ERROR when it cannot."""
    if leads_to is None:
        return DOWN
    if fault is not None:
        return "ERROR"
    return ACTIVE if observed == ACTIVE else DOWN
