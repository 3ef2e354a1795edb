"""What a security group's rule matches, checked: directions, protocols, ports, remote ends."""

import ipaddress
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.faults import BadRequest
from cumulo.core.wire.coercions import whole_or_none
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.ipam import parse_network
from cumulo.network.model.security_group import DefaultRuleRow, SecurityGroupRuleRow
from cumulo.network.service.refusals import required, unfit

Name = Annotated[str, msgspec.Meta(max_length=255)]
AnyRule = SecurityGroupRuleRow | DefaultRuleRow

NUMBERS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "igmp": 2,
    "ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59,
    "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6,
    "udp": 17, "udplite": 136, "vrrp": 112, "icmpv6": 58,
}  # fmt: skip
"""The protocol names of the API (networking API, security group rules), with IANA's numbers."""
WITH_PORTS = {6, 17, 33, 132, 136}
ONLY_IPV6 = {name for name in NUMBERS if name.startswith("ipv6-")} | {"icmpv6"}


class SecurityGroupRuleWishes(msgspec.Struct, kw_only=True):
    security_group_id: str | Unset = UNSET
    direction: str | Unset = UNSET
    ethertype: str | Unset = UNSET
    protocol: str | int | Unset | None = UNSET
    port_range_min: int | Unset | None = UNSET
    port_range_max: int | Unset | None = UNSET
    remote_ip_prefix: str | Unset | None = UNSET
    remote_group_id: str | Unset | None = UNSET
    remote_address_group_id: str | Unset | None = UNSET
    description: Name | Unset = UNSET


def direction(wishes: SecurityGroupRuleWishes) -> tuple[str, str]:
    """(direction, ethertype)"""
    if wishes.direction not in ("ingress", "egress"):
        if wishes.direction is UNSET:
            raise required("direction")
        raise unfit("direction", f"'{wishes.direction}' is not in ['ingress', 'egress']")
    given = "IPv4" if wishes.ethertype is UNSET else wishes.ethertype
    ethertype = {"ipv4": "IPv4", "ipv6": "IPv6"}.get(given.lower())
    if ethertype is None:
        raise BadRequest(
            f"Security group rule for ethertype '{given}' not supported. Allowed values are "
            "['IPv4', 'IPv6'].",
            kind="SecurityGroupRuleInvalidEtherType",
        )
    return wishes.direction, ethertype


def match(wishes: SecurityGroupRuleWishes, ethertype: str) -> dict[str, Any]:
    """What the rule matches, checked. Raises BadRequest."""
    protocol = _protocol(wishes.protocol, ethertype)
    number = number_of(protocol)
    low = None if wishes.port_range_min is UNSET else wishes.port_range_min
    high = None if wishes.port_range_max is UNSET else wishes.port_range_max
    if low is not None or high is not None:
        low, high = _ports(number, protocol, low, high)
    prefix, group = wishes.remote_ip_prefix or None, wishes.remote_group_id or None
    addresses = wishes.remote_address_group_id or None
    if sum(each is not None for each in (prefix, group, addresses)) > 1:
        raise BadRequest(
            "Only remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.",
            kind="SecurityGroupMultipleRemoteEntities",
        )
    return {
        "protocol": protocol,
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": None if prefix is None else _prefix(prefix, ethertype),
        "remote_group_id": group,
        "remote_address_group_id": addresses,
    }


def _protocol(given: str | int | Unset | None, ethertype: str) -> str | None:
    if given is UNSET or given is None or str(given).lower() in ("", "any", "-1"):
        return None
    text = str(given).lower()
    number = whole_or_none(text)
    if number is not None and 0 <= number <= 255:
        if ethertype == "IPv4" and number in {NUMBERS[name] for name in ONLY_IPV6}:
            raise _no_protocol_of(ethertype, text)
        return str(number)
    if text not in NUMBERS:
        raise _no_protocol(given)
    if text in ONLY_IPV6 and ethertype == "IPv4":
        raise _no_protocol_of(ethertype, text)
    if text == "icmp" and ethertype == "IPv6":
        return "ipv6-icmp"
    return "ipv6-icmp" if text == "icmpv6" else text


def _no_protocol_of(ethertype: str, protocol: str) -> BadRequest:
    return BadRequest(
        f"Invalid ethertype {ethertype} for protocol {protocol}.",
        kind="SecurityGroupEthertypeConflictWithProtocol",
    )


def _no_protocol(given: object) -> BadRequest:
    names = sorted(NUMBERS)
    shown = str(given)[:80]
    return BadRequest(
        f"Security group rule protocol {shown} not supported. Only protocol values {names} and "
        "integer representations [0 to 255] are supported.",
        kind="SecurityGroupRuleInvalidProtocol",
    )


def number_of(protocol: str | None) -> int | None:
    if protocol is None:
        return None
    number = whole_or_none(protocol)
    return NUMBERS[protocol] if number is None else number


def _ports(
    number: int | None, protocol: str | None, low: int | None, high: int | None
) -> tuple[int | None, int | None]:
    if number in (1, 58):
        for name, value in (("port_range_min", low), ("port_range_max", high)):
            if value is not None and not 0 <= value <= 255:
                kind = "type" if name == "port_range_min" else "code"
                raise BadRequest(
                    f"Invalid value for ICMP {kind} ({name}) {value}. It must be 0 to 255.",
                    kind="SecurityGroupInvalidIcmpValue",
                )
        if low is None:
            raise BadRequest(
                f"ICMP code (port-range-max) {high} is provided but ICMP type (port-range-min) is "
                "missing.",
                kind="SecurityGroupMissingIcmpType",
            )
        return low, high
    if number is None:
        raise BadRequest(
            "Must also specify protocol if port range is given.",
            kind="SecurityGroupProtocolRequiredWithPorts",
        )
    if number not in WITH_PORTS:
        raise BadRequest(
            f"Invalid protocol {protocol} for port range, only supported for DCCP, SCTP, TCP, "
            "UDP, and UDPLITE.",
            kind="SecurityGroupInvalidProtocolForPort",
        )
    if low is None or high is None or not 1 <= low <= high <= 65535:
        for value in (low, high):
            if value is not None and not 0 <= value <= 65535:
                raise BadRequest(
                    f"Invalid value for port {value}", kind="SecurityGroupInvalidPortValue"
                )
        raise BadRequest(
            "For TCP/UDP protocols, port_range_min must be <= port_range_max",
            kind="SecurityGroupInvalidPortRange",
        )
    return low, high


def _prefix(given: str, ethertype: str) -> str:
    try:
        found = parse_network(given)
    except ValueError:
        raise unfit("remote_ip_prefix", f"'{given}' is not a valid IP subnet") from None
    if f"IPv{found.version}" != ethertype:
        raise BadRequest(
            f"Conflicting value ethertype {ethertype} for CIDR {given}.",
            kind="SecurityGroupRuleParameterConflict",
        )
    # As it was given, host bits too; `normalized_cidr` shows the network.
    return str(ipaddress.ip_interface(given))


def same(one: AnyRule, other: AnyRule) -> bool:
    return meaning(one) == meaning(other)


def meaning(rule: AnyRule) -> tuple[object, ...]:
    return (
        rule.direction,
        rule.ethertype,
        number_of(rule.protocol),
        rule.port_range_min,
        rule.port_range_max,
        _from_where(rule.remote_ip_prefix),
        rule.remote_group_id,
        rule.remote_address_group_id,
    )


def _from_where(prefix: str | None) -> str | None:
    """None: from anywhere, which has two names."""
    if prefix is None:
        return None
    found = parse_network(prefix)
    return str(found) if found.prefixlen else None
