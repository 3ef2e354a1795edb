"""Subnets: the addresses of a network."""

from typing import Annotated

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table
from cumulo.network.model.orders import AllocationRange, HostRoute
from cumulo.network.model.standard import Standard

SLAAC = "slaac"
STATEFUL = "dhcpv6-stateful"
STATELESS = "dhcpv6-stateless"
V6_MODES = (SLAAC, STATEFUL, STATELESS)


@table("network_subnets")
class SubnetRow(Standard, frozen=True):
    network_id: Annotated[str, Index(), References("network_networks.id")]
    ip_version: int
    cidr: str
    gateway_ip: str | None
    enable_dhcp: bool = True
    allocation_pools: list[AllocationRange] = []
    dns_nameservers: list[str] = []
    host_routes: list[HostRoute] = []
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    subnetpool_id: Annotated[str | None, Index(), References("network_subnetpools.id")] = None
    service_types: list[str] = []
    """Device owners of the ports that get addresses here; empty: all."""
    dns_publish_fixed_ip: bool = False
    """Names lead to its addresses, also where those are in a tunnel."""
    cursor: str = ""
    """The address that was given out last: the search for the next one starts behind it."""

    @property
    def auto_address(self) -> bool:
        """Hosts make their own addresses out of the prefix and their MAC."""
        return bool({self.ipv6_address_mode, self.ipv6_ra_mode} & {SLAAC, STATELESS})


@table("network_allocations", IndexOn("subnet_id", "place"))
class AllocationRow(Row, frozen=True):
    """One address of one port. The key is what makes a double allocation impossible."""

    network_id: Annotated[str, Key()]
    ip_address: Annotated[str, Key()]
    subnet_id: Annotated[str, References("network_subnets.id")]
    port_id: Annotated[str, Index(), References("network_ports.id", on_delete="CASCADE")]
    place: str
    """The address as 32 hexadecimal digits, which sort as addresses do."""
    position: int
    """Its place among the port's addresses."""
