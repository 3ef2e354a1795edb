"""Anti-spoofing and security groups: from ports and groups to the ruleset of the data plane.

A frame from a port is checked in the bridge hooks against the port's own MAC and addresses; there
also the port's number is put on the packet as its mark, since only bridge hooks know the port.
br_netfilter then carries the packet to inet hooks, where connection tracking is, and the mark
finds the port's rules. Cost does not grow with the number of ports. Packets in the original
direction are checked against the rules again and again, replies pass: so a rule that is removed
stops also what it once let in, with no entry of connection tracking to delete.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from cumulo.network.drivers.driver import tap_name
from cumulo.network.drivers.linux import names, qos
from cumulo.network.drivers.linux.nft import Chain, Ruleset, Set, Table
from cumulo.network.model.orders import (
    HostNetworks,
    PortSpec,
    SecurityGroupRule,
    SecurityGroupSpec,
)
from cumulo.network.model.prefixes import compact

# The names of the network API (its IP protocol table), as numbers: nft knows only some of them.
PROTOCOLS: Mapping[str, int] = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "igmp": 2,
    "ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59,
    "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132,
    "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}  # fmt: skip
Net = ipaddress.IPv4Network | ipaddress.IPv6Network
_WITH_PORTS = {6, 17, 33, 132, 136}
_ZONES = 65535


def ruleset(desired: HostNetworks) -> Ruleset:
    """The rules of the data-plane namespace. A pure function; order of the input is of no matter.

    Every address and MAC in `desired` must be well formed (see `normal.py`).
    """
    ports = [p for p in desired.ports if p.port_security]
    groups = {group.id: group for group in desired.security_groups}
    return (_spoofing(ports), _groups(desired, ports, groups), qos.table(desired.ports))


def link_local(mac: str) -> str:
    """The address that a guest makes of its MAC (EUI-64)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    return str(
        ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + octets[:3] + b"\xff\xfe" + octets[3:])
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _spoofing(ports: Sequence[PortSpec]) -> Table:
    macs: set[str] = set()
    hosts: dict[int, set[str]] = {4: set(), 6: set()}
    pairs: dict[int, set[str]] = {4: set(), 6: set()}
    targets: set[str] = set()
    target_rules: list[str] = []
    for port in sorted(ports, key=lambda p: p.number):
        device = _quoted(tap_name(port.id))
        for mac, net in _sources(port):
            macs.add(f"{device} . {mac}")
            if net.prefixlen == net.max_prefixlen:
                hosts[net.version].add(f"{device} . {mac} . {net.network_address}")
                if net.version == 6:
                    targets.add(f"{device} . 0x{int(net.network_address):032x}")
            else:
                pairs[net.version].add(f"{device} . {mac} . {net}")
                if net.version == 6:
                    target_rules.append(_target_rule(device, net))
    devices = {_quoted(tap_name(port.id)): port.number for port in ports}
    sets = {
        "ports": Set("type ifname;", frozenset(devices)),
        "pmark": Set(
            "type ifname : mark;", frozenset(f"{d} : {n}" for d, n in devices.items()), "map"
        ),
        "mac": Set("type ifname . ether_addr;", frozenset(macs)),
        "nd": Set("typeof iifname . @th,64,128;", frozenset(targets)),
    }
    for version in (4, 6):
        kind = f"type ifname . ether_addr . ipv{version}_addr;"
        sets[f"a{version}"] = Set(kind, frozenset(hosts[version]))
        sets[f"p{version}"] = Set(
            f"{kind} flags interval;", frozenset(pairs[version]), interval=True
        )
    return Table("bridge", "sg", sets, _spoofing_chains(tuple(target_rules)))


def _target_rule(device: str, net: Net) -> str:
    if net.prefixlen == 0:
        return f"iifname {device} return"
    top = int(net.network_address) >> (128 - net.prefixlen)
    return f"iifname {device} @th,64,{net.prefixlen} 0x{top:x} return"


def _sources(
    port: PortSpec,
) -> Iterable[tuple[str, Net]]:
    """(MAC, network) that a port may send from; overlapping networks of a MAC are merged, since
    nft's concatenated interval sets refuse overlaps."""
    wanted: dict[str, list[str]] = {port.mac: [ip.address for ip in port.fixed_ips]}
    wanted[port.mac].append(link_local(port.mac))
    for pair in port.allowed_address_pairs:
        mac = pair.mac or port.mac
        wanted.setdefault(mac, [link_local(mac)]).append(pair.address)
    for mac, addresses in sorted(wanted.items()):
        for net in _collapse(addresses):
            yield mac, net


def _collapse(addresses: Iterable[str]) -> list[Net]:
    """Distinct networks of both versions, none inside another. Neighbours are not joined: single
    addresses must stay single to stay in the hash set."""
    nets = sorted({ipaddress.ip_network(a) for a in addresses}, key=lambda n: n.prefixlen)
    wide = [net for net in nets if not _one(net)]
    return [net for net in nets if not any(_inside(net, other) for other in wide)]


def _inside(net: Net, other: Net) -> bool:
    return (
        net.version == other.version
        and net != other
        and int(other.network_address) <= int(net.network_address) <= int(other.broadcast_address)
    )


def _spoofing_chains(target_rules: tuple[str, ...]) -> dict[str, Chain]:
    def source(family: str, number: int, then: str) -> list[str]:
        return [f"iifname . ether saddr . {family} saddr @{s}{number} {then}" for s in "ap"]

    return {
        "arpchk": Chain(
            (
                "iifname . arp saddr ether . arp saddr ip @a4 return",
                "iifname . arp saddr ether . arp saddr ip @p4 return",
                # An address probe claims nothing.
                "arp saddr ip 0.0.0.0 iifname . arp saddr ether @mac return",
                "counter drop",
            )
        ),
        "v4b": Chain(("udp sport 67 udp dport 68 counter drop",)),
        "v4chk": Chain(
            (
                *source("ip", 4, "goto v4b"),
                "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 return",
                "counter drop",
            )
        ),
        "ndpairs": Chain((*target_rules, "counter drop")),
        "v6b": Chain(("udp sport 547 udp dport 546 counter drop",)),
        "v6chk": Chain(
            (
                "icmpv6 type { nd-router-advert, nd-redirect } counter drop",
                "icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @nd jump ndpairs",
                *source("ip6", 6, "goto v6b"),
                "ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld2-listener-report, "
                "mld-listener-report, mld-listener-done } return",
                "counter drop",
            )
        ),
        "fromvm": Chain(
            (
                "iifname . ether saddr != @mac counter drop",
                "ether type arp goto arpchk",
                "ether type ip goto v4chk",
                "ether type ip6 goto v6chk",
                "counter drop",
            )
        ),
        "pre": Chain(
            (
                "meta mark set 0",
                "iifname @ports jump fromvm",
                "meta mark set iifname map @pmark",
            ),
            "type filter hook prerouting priority -300; policy accept;",
        ),
        "fwdmark": Chain(
            ("meta mark set 0", "meta mark set oifname map @pmark"),
            "type filter hook forward priority -200; policy accept;",
        ),
    }


def _groups(
    desired: HostNetworks, ports: Sequence[PortSpec], groups: Mapping[str, SecurityGroupSpec]
) -> Table:
    chains = _base_chains()
    sets: dict[str, Set] = {}
    used = {g for port in ports for g in port.security_groups if g in groups}
    remote = {r.remote_group_id for g in used for r in groups[g].rules if r.remote_group_id}
    for group_id in sorted(remote & groups.keys()):
        _member_sets(sets, groups[group_id])
    for group_id in sorted(used):
        for direction, letter in (("ingress", "i"), ("egress", "e")):
            rules: list[str] = []
            for rule in groups[group_id].rules:
                if rule.direction == direction:
                    rules.extend(rule_text(rule, sets.keys()))
            chains[f"g{letter}_{_hex(group_id)}"] = Chain(tuple(dict.fromkeys(rules)))
    maps: dict[str, set[str]] = {"from": set(), "to": set()}
    for port in ports:
        mine = sorted(g for g in port.security_groups if g in used)
        profile = hashlib.sha256(" ".join(mine).encode()).hexdigest()[:16]
        for letter, name in (("e", "from"), ("i", "to")):
            chain = f"p{letter}_{profile}"
            jumps = [f"jump g{letter}_{_hex(g)}" for g in mine]
            # The end of a chain that was gone to accepts, so the profile must drop by itself.
            chains[chain] = Chain((*jumps, "counter drop"))
            maps[name].add(f"{port.number} : goto {chain}")
    stateless = {
        str(p.number)
        for p in ports
        if any(not groups[g].stateful for g in p.security_groups if g in used)
    }
    zones = {f"{_quoted(names.bridge(n.number))} : {zone(n.number)}" for n in desired.networks}
    sets["zone"] = Set("typeof iifname : ct zone;", frozenset(zones), "map")
    sets["stateless"] = Set("type mark;", frozenset(stateless))
    for name, elements in maps.items():
        sets[name] = Set("type mark : verdict;", frozenset(elements), "map")
    return Table("inet", "sg", sets, chains)


def zone(number: int) -> int:
    """A network's zone of connection tracking: tenants with equal addresses stay apart."""
    return 1 + (number - 1) % _ZONES


def _hex(identifier: str) -> str:
    return identifier.replace("-", "")


def _member_sets(sets: dict[str, Set], group: SecurityGroupSpec) -> None:
    members = _collapse(group.members)
    for version in (4, 6):
        single = {str(n.network_address) for n in members if n.version == version and _one(n)}
        nets = {str(n) for n in members if n.version == version and not _one(n)}
        kind = f"type ipv{version}_addr;"
        sets[f"m{version}_{_hex(group.id)}"] = Set(kind, frozenset(single))
        if nets:
            sets[f"w{version}_{_hex(group.id)}"] = Set(
                f"{kind} flags interval;", frozenset(nets), interval=True
            )


def _one(net: Net) -> bool:
    return net.prefixlen == net.max_prefixlen


def _base_chains() -> dict[str, Chain]:
    state = (
        "ct direction reply ct state established accept",
        "ct state related accept",
        "ct state invalid counter drop",
    )
    return {
        "raw": Chain(
            ("ct zone set iifname map @zone",),
            "type filter hook prerouting priority raw; policy accept;",
        ),
        "out_rules": Chain(
            (
                "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, "
                "mld-listener-report, mld2-listener-report, mld-listener-done } accept",
                "udp sport 68 udp dport 67 accept",
                "udp sport 546 udp dport 547 accept",
                "meta mark vmap @from",
                "counter drop",
            )
        ),
        "in_rules": Chain(
            (
                "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, "
                "mld-listener-query } accept",
                "udp sport 67 udp dport 68 accept",
                "udp sport 547 udp dport 546 accept",
                "meta mark vmap @to",
                "counter drop",
            )
        ),
        "vmout": Chain(
            ("meta mark 0 accept", "meta mark @stateless goto out_rules", *state, "goto out_rules"),
            "type filter hook prerouting priority -150; policy accept;",
        ),
        "vmin": Chain(
            ("meta mark 0 accept", "meta mark @stateless goto in_rules", *state, "goto in_rules"),
            "type filter hook forward priority 0; policy accept;",
        ),
    }


def rule_text(rule: SecurityGroupRule, sets: Iterable[str]) -> list[str]:
    """The nft rules that one rule stands for: none when its remote group has no members here."""
    version = 4 if rule.ethertype == "IPv4" else 6
    family, side = ("ip" if version == 4 else "ip6"), "saddr"
    if rule.direction == "egress":
        side = "daddr"
    remotes = [f"meta nfproto ipv{version}"]
    if rule.remote_group_id is not None:
        known = set(sets)
        wanted = [f"{letter}{version}_{_hex(rule.remote_group_id)}" for letter in "mw"]
        remotes = [f"{family} {side} @{name}" for name in wanted if name in known]
    elif rule.remote_addresses is not None:
        nets = compact(each for each in rule.remote_addresses if (":" in each) is (version == 6))
        if not any(net.endswith("/0") for net in nets):
            remotes = [f"{family} {side} {{ {', '.join(nets)} }}"] if nets else []
    elif rule.remote_ip_prefix is not None:
        net = ipaddress.ip_network(rule.remote_ip_prefix, strict=False)
        if net.prefixlen:
            remotes = [f"{family} {side} {net}"]
    match = _protocol_match(rule, version)
    return [" ".join(filter(None, (remote, match, "accept"))) for remote in remotes]


def _protocol_match(rule: SecurityGroupRule, version: int) -> str:
    if rule.protocol in (None, "any", "0"):
        return ""
    name = str(rule.protocol).lower()
    number = PROTOCOLS[name] if name in PROTOCOLS else int(name)
    if number in (1, 58):
        # The API takes "icmp" with IPv6 for ICMPv6.
        family, number = ("icmp", 1) if version == 4 else ("icmpv6", 58)
        if rule.port_min is None:
            return f"meta l4proto {number}"
        code = "" if rule.port_max is None else f" {family} code {rule.port_max}"
        return f"{family} type {rule.port_min}{code}"
    if number not in _WITH_PORTS or (rule.port_min is None and rule.port_max is None):
        return f"meta l4proto {number}"
    low = 0 if rule.port_min is None else rule.port_min
    high = 65535 if rule.port_max is None else rule.port_max
    return f"meta l4proto {number} th dport {low if low == high else f'{low}-{high}'}"
