"""One desired state, worked out: devices, namespaces and who serves what. Pure."""

import ipaddress
from collections.abc import Sequence
from functools import cached_property

from cumulo.network.drivers.driver import tap_name
from cumulo.network.drivers.linux import dhcp, names, router, security
from cumulo.network.drivers.linux.interfaces import Inside
from cumulo.network.drivers.linux.links import Bridge, Tap, Veth, Wanted
from cumulo.network.drivers.linux.tunnels import tunnels
from cumulo.network.model.orders import (
    HostNetworks,
    HostRoute,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    SubnetSpec,
)


class Plan:
    """`outer`: the veths of the external networks; `forwarders`: DNS servers of dnsmasq; `local`:
    this host's end of tunnels, on that UDP port."""

    def __init__(
        self,
        prefix: str,
        desired: HostNetworks,
        outer: Sequence[Veth],
        forwarders: Sequence[str],
        local: str | None = None,
        vxlan_port: int = 4789,
    ) -> None:
        self.prefix = prefix
        self.desired = desired
        self.outer = tuple(outer)
        self.forwarders = tuple(forwarders)
        self.networks = {network.id: network for network in desired.networks}
        self.ports = desired.ports
        self.tunnels = tunnels(desired, local, vxlan_port)
        own = {port.id for port in desired.ports}
        # Guests of other hosts, which ask this one for their addresses and metadata.
        self.elsewhere = [
            PortSpec(
                each.port_id,
                number,
                network.id,
                each.mac,
                each.fixed_ips,
                each.hostname,
                each.device_id,
                each.project_id,
                dhcp_options=each.dhcp_options,
            )
            for network in desired.neighbours
            for number, each in enumerate(network.ports, 1)
            if each.device_id and each.port_id not in own
        ]
        # A router that is administratively down has no namespace, so it forwards nothing.
        self.routers = {
            names.router_namespace(prefix, spec.id): spec
            for spec in desired.routers
            if spec.admin_state_up
        }
        self.by_address = {
            (port.network_id, fixed.address): port
            for port in (*desired.ports, *self.elsewhere)
            for fixed in port.fixed_ips
        }

    def served(self) -> list[NetworkSpec]:
        """Networks with a namespace of their own."""
        return [network for network in self.desired.networks if network.dhcp is not None]

    def namespaces(self) -> set[str]:
        networks = {names.network_namespace(self.prefix, n.id) for n in self.served()}
        return networks | self.routers.keys()

    def owner(self, namespace: str) -> str:
        """The id of the network or router that a namespace is for."""
        if namespace in self.routers:
            return self.routers[namespace].id
        return next(
            n.id for n in self.served() if names.network_namespace(self.prefix, n.id) == namespace
        )

    @cached_property
    def wanted(self) -> Wanted:
        plugged = {port.network_id for port in self.ports}
        bridges = [
            # On an external network only frames of guests are of interest to the filter.
            Bridge(names.bridge(n.number), n.mtu, not n.external or n.id in plugged)
            for n in self.desired.networks
        ]
        taps = [self._tap(port) for port in self.ports]
        veths = [*self.outer]
        for network in self.served():
            veths.append(self._dhcp_veth(network))
        for spec in self.routers.values():
            veths += router.veths(self.prefix, spec, self.networks)
        return Wanted(
            tuple(bridges), tuple(taps), tuple(veths), tuple(each.name for each in self.tunnels)
        )

    def _tap(self, port: PortSpec) -> Tap:
        network = self.networks[port.network_id]
        name = names.bridge(network.number)
        return Tap(tap_name(port.id), name, network.mtu, port.admin_state_up)

    @cached_property
    def port_of_tap(self) -> dict[str, str]:
        """The id of the port that each tap is of."""
        return {tap_name(port.id): port.id for port in self.ports}

    def _dhcp_veth(self, network: NetworkSpec) -> Veth:
        assert network.dhcp is not None
        mac = network.dhcp.mac
        return Veth(
            names.veth("nh", mac),
            names.bridge(network.number),
            network.mtu,
            names.veth("ns", mac),
            names.network_namespace(self.prefix, network.id),
            mac,
        )

    def zoned_addresses(self) -> set[tuple[int, str]]:
        """(zone of connection tracking, address) of every guest."""
        return {
            (security.zone(self.networks[port.network_id].number), fixed.address)
            for port in self.ports
            for fixed in port.fixed_ips
        }

    @cached_property
    def routed(self) -> set[str]:
        """Ids of subnets whose gateway address is on a router of this host."""
        on_routers = {
            (port.network_id, str(ipaddress.ip_interface(address).ip))
            for spec in self.routers.values()
            for port in spec.interfaces
            for address in port.addresses
        }
        return {
            subnet.id
            for network in self.desired.networks
            for subnet in network.subnets
            if (network.id, subnet.gateway) in on_routers
        }

    @cached_property
    def advertised(self) -> set[str]:
        found: set[str] = set()
        for spec in self.routers.values():
            found |= dhcp.advertised(spec, self.networks)
        return found

    def network_inside(self, network: NetworkSpec) -> Inside:
        assert network.dhcp is not None
        device = names.veth("ns", network.dhcp.mac)
        addresses = (*network.dhcp.addresses, f"{names.METADATA_ADDRESS}/32")
        return Inside({device: addresses}, {device: network.mtu}, self._way_out(network.subnets))

    def _way_out(self, subnets: Sequence[SubnetSpec]) -> tuple[HostRoute, ...]:
        """dnsmasq passes questions on by way of the guests' own router."""
        for subnet in subnets:
            if subnet.ip_version == 4 and subnet.gateway and subnet.id in self.routed:
                return (HostRoute("0.0.0.0/0", subnet.gateway),)
        return ()

    @cached_property
    def ports_of(self) -> dict[str, list[PortSpec]]:
        found: dict[str, list[PortSpec]] = {}
        for port in (*self.ports, *self.elsewhere):
            found.setdefault(port.network_id, []).append(port)
        return found

    def network_server(self, network: NetworkSpec) -> dhcp.Server | None:
        ports = self.ports_of.get(network.id, [])
        return dhcp.network_server(
            self.prefix, network, ports, self.routed, self.advertised, self.forwarders
        )

    def router_server(self, spec: RouterSpec) -> dhcp.Server | None:
        attached = {interface.network_id for interface in spec.interfaces}
        ports = [port for network in sorted(attached) for port in self.ports_of.get(network, [])]
        return dhcp.router_server(self.prefix, spec, self.networks, ports)
