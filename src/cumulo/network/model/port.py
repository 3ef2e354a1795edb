"""Ports: what is plugged into a network."""

from typing import Annotated, Any

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table
from cumulo.network.model.orders import ACTIVE, DOWN, AddressPair, DhcpOption
from cumulo.network.model.standard import Standard

DHCP = "network:dhcp"
ROUTER_INTERFACE = "network:router_interface"
ROUTER_GATEWAY = "network:router_gateway"
FLOATING_IP = "network:floatingip"
COMPUTE = "compute"
SERVICE = "service"
"""Of a service of the cloud's own (shares): wired as a guest's, and not a client's to delete."""
METAL = "baremetal:none"
"""Of a machine of bare metal that is no server's: as Ironic names it."""
OF_ROUTERS = (ROUTER_INTERFACE, ROUTER_GATEWAY)
AUTOMATIC = (DHCP,)
"""Ports that the service makes and removes by itself."""


@table(
    "network_ports",
    Unique("number"),
    Unique("network_id", "mac_address"),
    IndexOn("device_id", "device_owner"),
    IndexOn("holder", "role"),
)
class PortRow(Standard, frozen=True):
    number: int
    network_id: Annotated[str, References("network_networks.id")]
    mac_address: str
    admin_state_up: bool = True
    device_id: str = ""
    device_owner: str = ""
    """Words that clients may set, and that are shown and searched: nothing follows from them."""
    holder: str | None = None
    """The server, router, floating IP or network that this is a part of; None: of nothing."""
    role: str = ""
    """What it is to its holder: COMPUTE for a server, else its device owner. Only the service
    whose the holder is sets these two (as it plugs), so they can be believed."""
    host_id: Annotated[str | None, Index()] = None
    """`binding:host_id`: where it is plugged."""
    vnic_type: str = "normal"
    profile: dict[str, Any] = {}
    port_security_enabled: bool = True
    allowed_address_pairs: list[AddressPair] = []
    extra_dhcp_opts: list[dict[str, Any]] = []
    dns_name: str = ""
    dns_domain: str = ""
    """In place of its network's."""
    published: bool = False
    """DNS has names of it."""
    made_for_server: bool = False
    """Made by the plugging of a server, and removed with its unplugging."""
    tag: str | None = None
    """The device tag that the server's owner gave."""
    qos_policy_id: Annotated[str | None, Index(), References("network_qos_policies.id")] = None
    plug_order: int = 0
    """A server's devices come in the order of this number: that of its making, or of the taking
    of a port that was there before, from the same counter."""
    generation: int = 0
    """The generation of the host's desired state that holds the newest change of this port."""
    observed: str | None = None
    fault: str | None = None
    status: str = DOWN


def port_status(
    *,
    host_id: str | None,
    admin_state_up: bool,
    role: str,
    observed: str | None,
    fault: str | None = None,
) -> str:
    """A port is ACTIVE while a host has wired it and it is meant to be up.

    A router's port is wired as soon as its host knows it: that the router is switched off makes
    it DOWN on the host, which is no fault of the port's.
    """
    if role == FLOATING_IP:
        return "N/A"
    if host_id is None or not admin_state_up or observed is None or fault is not None:
        return DOWN
    return ACTIVE if observed == ACTIVE or role in OF_ROUTERS else DOWN


def dhcp_options(port: PortRow) -> tuple[DhcpOption, ...]:
    """`extra_dhcp_opts`, as hosts are told of them."""
    return tuple(
        DhcpOption(str(each["opt_name"]), str(each["opt_value"]), int(each["ip_version"]))
        for each in port.extra_dhcp_opts
    )


def is_guest(port: PortRow) -> bool:
    """Whether a host wires it as a device of its own (a guest's), not as a part of a network."""
    return port.role not in (DHCP, ROUTER_INTERFACE, ROUTER_GATEWAY, FLOATING_IP)


@table("network_port_groups")
class PortGroupRow(Row, frozen=True):
    """A port's membership of a security group."""

    port_id: Annotated[str, Key(), References("network_ports.id", on_delete="CASCADE")]
    group_id: Annotated[str, Key(), Index(), References("network_security_groups.id")]
