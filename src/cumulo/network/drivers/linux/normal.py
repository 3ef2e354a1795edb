"""The desired state, checked again before it becomes arguments and rulesets.

The API has checked it all; this is the second lock on the door to root. One malformed thing must
not spoil a whole host's ruleset, so it is left out and gets its fault in the report.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import msgspec

from cumulo.network.drivers.linux.qos import checked
from cumulo.network.drivers.linux.security import rule_text
from cumulo.network.model.orders import (
    DhcpOption,
    HostNetworks,
    Neighbours,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    SecurityGroupSpec,
)

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{2,40}")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_OPTION = re.compile(r"[a-z0-9-]{1,64}")
_VALUE = re.compile(r"[ -~]{1,255}")
_NUMBERS = range(1, 2**31)
FORWARDED = ("tcp", "udp", "sctp", "dccp")


class _Named(Protocol):
    @property
    def id(self) -> str: ...


S = TypeVar("S", bound=_Named)


def split(desired: HostNetworks) -> tuple[HostNetworks, dict[str, str]]:
    """The well-formed part of the state, and the faults of the rest by id."""
    faults: dict[str, str] = {}
    networks = _keep(desired.networks, check_network, faults)
    known = {network.id for network in networks}

    def check_on_network(port: PortSpec) -> None:
        check_port(port)
        if port.network_id not in known:
            raise ValueError(f"network {port.network_id} is not on this host")

    def check_known(router: RouterSpec) -> None:
        check_router(router)
        for port in (*router.interfaces, *((router.gateway,) if router.gateway else ())):
            if port.network_id not in known:
                raise ValueError(f"network {port.network_id} is not on this host")

    return (
        msgspec.structs.replace(
            desired,
            networks=networks,
            ports=_keep(desired.ports, check_on_network, faults),
            security_groups=_keep(desired.security_groups, check_group, faults),
            routers=_keep(desired.routers, check_known, faults),
            neighbours=_keep(desired.neighbours, check_neighbours, faults),
        ),
        faults,
    )


def _keep(items: Iterable[S], check: Callable[[S], None], faults: dict[str, str]) -> tuple[S, ...]:
    kept = []
    for item in items:
        try:
            _id(item.id)
            check(item)
            kept.append(item)
        except ValueError as error:
            faults[item.id] = str(error)
    return tuple(kept)


def _id(text: str) -> None:
    if not _ID.fullmatch(text):
        raise ValueError(f"malformed id {text!r}")


def _mac(text: str) -> None:
    if not _MAC.fullmatch(text):
        raise ValueError(f"malformed MAC address {text!r}")


def _number(number: int) -> None:
    if number not in _NUMBERS:
        raise ValueError(f"number {number} is out of range")


def check_network(network: NetworkSpec) -> None:
    _number(network.number)
    if not 68 <= network.mtu <= 65535:
        raise ValueError(f"MTU {network.mtu} is out of range")
    if network.dhcp is not None:
        _mac(network.dhcp.mac)
        for address in network.dhcp.addresses:
            ipaddress.ip_interface(address)
    for subnet in network.subnets:
        _id(subnet.id)
        ipaddress.ip_network(subnet.cidr)
        for address in (*subnet.dns, *filter(None, [subnet.gateway])):
            ipaddress.ip_address(address)
        for route in subnet.host_routes:
            ipaddress.ip_network(route.destination)
            ipaddress.ip_address(route.nexthop)


def check_port(port: PortSpec) -> None:
    _number(port.number)
    _mac(port.mac)
    for fixed in port.fixed_ips:
        ipaddress.ip_address(fixed.address)
    if port.qos is not None:
        checked(port.qos.limits, port.qos.dscp)
    check_options(port.dhcp_options)
    for pair in port.allowed_address_pairs:
        ipaddress.ip_network(pair.address)
        if pair.mac is not None:
            _mac(pair.mac)


def check_group(group: SecurityGroupSpec) -> None:
    for member in group.members:
        ipaddress.ip_network(member)
    for rule in group.rules:
        if rule.remote_group_id is not None:
            _id(rule.remote_group_id)
        if rule.direction not in ("ingress", "egress") or rule.ethertype not in ("IPv4", "IPv6"):
            raise ValueError(f"malformed rule {rule.direction} {rule.ethertype}")
        for port in (rule.port_min, rule.port_max):
            if port is not None and not 0 <= port <= 65535:
                raise ValueError(f"port {port} is out of range")
        if rule.remote_ip_prefix is not None:
            net = ipaddress.ip_network(rule.remote_ip_prefix, strict=False)
            if net.version != (4 if rule.ethertype == "IPv4" else 6):
                raise ValueError(f"{net} is not {rule.ethertype}")
        for address in rule.remote_addresses or ():
            ipaddress.ip_network(address)
        rule_text(rule, ())


def check_neighbours(network: Neighbours) -> None:
    for port in network.ports:
        _mac(port.mac)
        if port.tunnel:
            ipaddress.ip_address(port.tunnel)
        check_options(port.dhcp_options)
        for fixed in port.fixed_ips:
            ipaddress.ip_address(fixed.address)


def check_options(options: Iterable[DhcpOption]) -> None:
    """They are lines of a file that dnsmasq reads: none may be more than its line."""
    for option in options:
        if not _OPTION.fullmatch(option.name) or not _VALUE.fullmatch(option.value):
            raise ValueError(f"malformed DHCP option {option.name!r}")


def check_router(router: RouterSpec) -> None:
    for port in (*router.interfaces, *((router.gateway,) if router.gateway else ())):
        _mac(port.mac)
        for address in port.addresses:
            ipaddress.ip_interface(address)
    for nexthop in router.gateway.nexthops if router.gateway else ():
        ipaddress.ip_address(nexthop)
    for route in router.routes:
        ipaddress.ip_network(route.destination)
        ipaddress.ip_address(route.nexthop)
    for floating in router.floating_ips:
        ipaddress.IPv4Address(floating.floating_address)
        if floating.fixed_address is not None:
            ipaddress.IPv4Address(floating.fixed_address)
        checked(floating.limits)
        for each in floating.forwarded:
            ipaddress.IPv4Address(each.fixed_address)
            if each.protocol not in FORWARDED:
                raise ValueError(f"{each.protocol} cannot be forwarded")
            for port in (each.external_port, each.internal_port):
                if not 1 <= port <= 65535:
                    raise ValueError(f"port {port} is out of range")
