"""What one host's data plane shall be, and what it is.

A host is told things one by one, as items: networks, ports, security groups, the members of groups
that its rules name, routers. Its driver is given all of them together (`HostNetworks`): applying
that twice is applying it once. Addresses are strings in the canonical form of
`ipaddress`; "with prefix" means `10.0.0.1/24`. MAC addresses are lower case with colons. Ids are
UUIDs in their usual form with hyphens.
"""

from bisect import bisect_left

import msgspec


class HostRoute(msgspec.Struct, frozen=True):
    """A route that a router or a DHCP client shall have: destination CIDR, next hop address."""

    destination: str
    nexthop: str


class AllocationRange(msgspec.Struct, frozen=True):
    """First and last address of a subnet's allocation pool."""

    start: str
    end: str


class SubnetSpec(msgspec.Struct, frozen=True):
    """A subnet. The IPv6 modes are None, "slaac", "dhcpv6-stateful" or "dhcpv6-stateless"."""

    id: str
    cidr: str
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    enable_dhcp: bool = True
    ip_version: int = 4
    ranges: tuple[AllocationRange, ...] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None


class DhcpSpec(msgspec.Struct, frozen=True):
    """The port of a network's DHCP server on this host; its addresses are with prefix."""

    port_id: str
    mac: str
    addresses: tuple[str, ...]


class NetworkSpec(msgspec.Struct, frozen=True, tag="network"):
    """A network. `number` is unique in the cloud, from 1: zone, VNI and names come from it."""

    id: str
    number: int
    mtu: int = 1500
    external: bool = False
    dhcp: DhcpSpec | None = None
    subnets: tuple[SubnetSpec, ...] = ()
    name_server: str = ""
    """Who is asked for names in `domains`, as dnsmasq writes it: `192.0.2.1#53`."""
    domains: tuple[str, ...] = ()


class FixedIp(msgspec.Struct, frozen=True):
    subnet_id: str
    address: str


class AddressPair(msgspec.Struct, frozen=True):
    """An address or CIDR that a port may also send from; without a MAC the port's own."""

    address: str
    mac: str | None = None


class DhcpOption(msgspec.Struct, frozen=True):
    """`name`: dnsmasq's, or a number; `version`: of IP."""

    name: str
    value: str
    version: int = 4


class Limit(msgspec.Struct, frozen=True):
    """How much may pass: bytes (or packets) a second, and how many at once."""

    rate: int
    burst: int
    packets: bool = False
    inward: bool = False
    """Towards the guest; else what it sends."""


class Qos(msgspec.Struct, frozen=True):
    limits: tuple[Limit, ...] = ()
    dscp: int | None = None
    """The mark of what the guest sends."""


class PortSpec(msgspec.Struct, frozen=True, tag="port"):
    """A port that is bound to this host. `number` is unique in the cloud, 1 to 2**31-1."""

    id: str
    number: int
    network_id: str
    mac: str
    fixed_ips: tuple[FixedIp, ...] = ()
    hostname: str = ""
    device_id: str = ""
    """The server that compute plugged it into; what a client wrote is not sent to hosts."""
    project_id: str = ""
    admin_state_up: bool = True
    port_security: bool = True
    allowed_address_pairs: tuple[AddressPair, ...] = ()
    security_groups: tuple[str, ...] = ()
    qos: Qos | None = None
    dhcp_options: tuple[DhcpOption, ...] = ()


class SecurityGroupRule(msgspec.Struct, frozen=True):
    """One rule, in the network API's own terms.

    direction "ingress" or "egress"; ethertype "IPv4" or "IPv6"; protocol a name, a number as
    text, or None for any; for ICMP port_min is the type and port_max the code.
    """

    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_min: int | None = None
    port_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_addresses: tuple[str, ...] | None = None
    """Of an address group: CIDRs of both versions; the rule is about those of its own."""


class SecurityGroupSpec(msgspec.Struct, frozen=True, tag="group"):
    """A group, with the addresses or CIDRs (both versions) of all its members in the cloud."""

    id: str
    stateful: bool = True
    rules: tuple[SecurityGroupRule, ...] = ()
    members: tuple[str, ...] = ()


class GroupMembers(msgspec.Struct, frozen=True, tag="members"):
    """The addresses or CIDRs of all members of a group in the cloud, sorted. Implements
    `core.hosts.long.Long`; `stamp`: who read it, and the group's change number."""

    id: str
    stamp: str
    members: tuple[str, ...] = ()

    def changed_by(self, change: "GroupChange") -> "GroupMembers":
        # A few changes of a long sorted list: all of it is neither hashed nor sorted anew.
        gone = set(change.removed)
        members = [each for each in self.members if each not in gone] if gone else [*self.members]
        for each in change.added:
            at = bisect_left(members, each)
            if members[at : at + 1] != [each]:
                members.insert(at, each)
        return GroupMembers(self.id, change.stamp, tuple(members))


class GroupChange(msgspec.Struct, frozen=True, tag="members_change"):
    """Additions and removals that lead from the list `base` to the list `stamp`."""

    id: str
    base: str
    stamp: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Neighbour(msgspec.Struct, frozen=True):
    """A port of a network, wherever it is, as the network's other hosts have to know it."""

    port_id: str
    mac: str
    tunnel: str
    """Where its host is reached; empty: nowhere (it has no tunnels)."""
    fixed_ips: tuple[FixedIp, ...] = ()
    hostname: str = ""
    device_id: str = ""
    project_id: str = ""
    dhcp_options: tuple[DhcpOption, ...] = ()


class Neighbours(msgspec.Struct, frozen=True, tag="neighbours"):
    """All ports of a network that are on hosts, by their ids; implements `core.hosts.long.Long`.
    For the hosts that have the network when there are several."""

    id: str
    """The network's."""
    stamp: str
    ports: tuple[Neighbour, ...] = ()

    def changed_by(self, change: "NeighbourChange") -> "Neighbours":
        gone = set(change.removed) | {each.port_id for each in change.added}
        left = [each for each in self.ports if each.port_id not in gone]
        ports = sorted([*left, *change.added], key=lambda each: each.port_id)
        return Neighbours(self.id, change.stamp, tuple(ports))


class NeighbourChange(msgspec.Struct, frozen=True, tag="neighbours_change"):
    """Ports that came or changed, and the ids of those that went, from the list `base` to the list
    `stamp`."""

    id: str
    base: str
    stamp: str
    added: tuple[Neighbour, ...] = ()
    removed: tuple[str, ...] = ()


class RouterInterface(msgspec.Struct, frozen=True):
    """A router's port on a tenant network; addresses with prefix."""

    port_id: str
    mac: str
    network_id: str
    addresses: tuple[str, ...]


class RouterGateway(msgspec.Struct, frozen=True):
    """A router's port on an external network; addresses with prefix, one next hop a version."""

    port_id: str
    mac: str
    network_id: str
    addresses: tuple[str, ...]
    nexthops: tuple[str, ...] = ()
    enable_snat: bool = True


class Forwarded(msgspec.Struct, frozen=True):
    """A port of a floating IP that leads to a port of a fixed address."""

    protocol: str
    external_port: int
    fixed_address: str
    internal_port: int


class FloatingIpSpec(msgspec.Struct, frozen=True):
    """It leads to a fixed address, or some of its ports lead somewhere."""

    id: str
    floating_address: str
    fixed_address: str | None
    forwarded: tuple[Forwarded, ...] = ()
    limits: tuple[Limit, ...] = ()


class RouterSpec(msgspec.Struct, frozen=True, tag="router"):
    id: str
    number: int
    admin_state_up: bool = True
    interfaces: tuple[RouterInterface, ...] = ()
    gateway: RouterGateway | None = None
    routes: tuple[HostRoute, ...] = ()
    floating_ips: tuple[FloatingIpSpec, ...] = ()


class HostNetworks(msgspec.Struct, frozen=True):
    """The whole desired state of a host's data plane."""

    generation: int
    networks: tuple[NetworkSpec, ...] = ()
    ports: tuple[PortSpec, ...] = ()
    security_groups: tuple[SecurityGroupSpec, ...] = ()
    routers: tuple[RouterSpec, ...] = ()
    neighbours: tuple[Neighbours, ...] = ()


ACTIVE = "ACTIVE"
DOWN = "DOWN"


class Observed(msgspec.Struct, frozen=True):
    """One thing as the host sees it: "ACTIVE" or "DOWN", and why not, when it failed."""

    id: str
    status: str
    fault: str | None = None


class HostNetworksReport(msgspec.Struct, frozen=True):
    """What a host's data plane is, after the desired state of that generation was applied.

    `ports` has every port of the desired state and also the DHCP and router ports named in it.
    """

    generation: int
    networks: tuple[Observed, ...] = ()
    ports: tuple[Observed, ...] = ()
    routers: tuple[Observed, ...] = ()
    floating_ips: tuple[Observed, ...] = ()


NetworkItem = (
    NetworkSpec
    | PortSpec
    | SecurityGroupSpec
    | GroupMembers
    | GroupChange
    | RouterSpec
    | Neighbours
    | NeighbourChange
)
"""What a host is told of one thing; its id is the item's, after the noun: `port/ID`."""


class HostTunnels(msgspec.Struct, frozen=True):
    """What a host says of itself. `tunnel`: its end of tunnels; `gateway`: external networks lead
    out of it, so routers and DHCP servers may be there."""

    tunnel: str | None = None
    gateway: bool = True


class SeenThing(msgspec.Struct, frozen=True):
    """What a host sees of one item, and of what belongs to it: a network's DHCP port, a router's
    ports and floating IPs."""

    own: Observed
    ports: tuple[Observed, ...] = ()
    floating_ips: tuple[Observed, ...] = ()


def item_id(noun: str, id: str) -> str:
    """noun: network, port, group, members, neighbours, router."""
    return f"{noun}/{id}"
