"""A router: a namespace with its ports, routes, address translation and router advertisements."""

import ipaddress
from collections.abc import Iterator, Mapping

from cumulo.network.drivers.linux import names
from cumulo.network.drivers.linux.interfaces import QUIET, Inside
from cumulo.network.drivers.linux.links import Veth
from cumulo.network.drivers.linux.nft import Chain, Ruleset, Set, Table
from cumulo.network.drivers.linux.qos import limit_text
from cumulo.network.model.orders import HostRoute, NetworkSpec, RouterSpec

SYSCTLS = {
    **QUIET,
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/default/ndisc_notify": "1",
    # Asymmetric paths are legal in a virtual router; spoofing is stopped at the port.
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    # An address is answered for only on its own side: tenants' addresses do not show outside.
    "net/ipv4/conf/all/arp_ignore": "1",
    "net/ipv4/conf/all/arp_announce": "2",
    "net/netfilter/nf_conntrack_tcp_loose": "0",
}


def veths(prefix: str, router: RouterSpec, networks: Mapping[str, NetworkSpec]) -> list[Veth]:
    place = names.router_namespace(prefix, router.id)
    ports = [(port, "qr") for port in router.interfaces]
    pairs = [(p.mac, p.network_id, kind) for p, kind in ports]
    if router.gateway is not None:
        pairs.append((router.gateway.mac, router.gateway.network_id, "qg"))
    return [
        Veth(
            names.veth("qh", mac),
            names.bridge(networks[network_id].number),
            networks[network_id].mtu,
            names.veth(kind, mac),
            place,
            mac,
        )
        for mac, network_id, kind in pairs
    ]


def inside(router: RouterSpec, networks: Mapping[str, NetworkSpec]) -> Inside:
    devices = {names.veth("qr", p.mac): p.addresses for p in router.interfaces}
    mtus = {names.veth("qr", p.mac): networks[p.network_id].mtu for p in router.interfaces}
    routes = list(router.routes)
    gateway = router.gateway
    if gateway is not None:
        floating = tuple(f"{f.floating_address}/32" for f in router.floating_ips)
        device = names.veth("qg", gateway.mac)
        devices[device] = (*gateway.addresses, *floating)
        mtus[device] = networks[gateway.network_id].mtu
        mine = {route.destination for route in routes}
        for nexthop in gateway.nexthops:
            everything = "::/0" if ":" in nexthop else "0.0.0.0/0"
            if everything not in mine:
                routes.append(HostRoute(everything, nexthop))
    return Inside(devices, mtus, tuple(routes))


def ruleset(router: RouterSpec) -> Ruleset:
    """Floating IPs as two maps, source translation, metadata; a pure function.

    The inner pair of rules at the end of `post` is for guests that reach a neighbour by its
    floating IP: the answer must come back this way.
    """
    floating = sorted(
        (f.floating_address, f.fixed_address) for f in router.floating_ips if f.fixed_address
    )
    # A fixed address may have several floating IPs; going out it has the first.
    outward = {fixed: outer for outer, fixed in reversed(floating)}
    sets = {
        "fip_in": Set(
            "type ipv4_addr : ipv4_addr;", frozenset(f"{o} : {i}" for o, i in floating), "map"
        ),
        "fip_out": Set(
            "type ipv4_addr : ipv4_addr;",
            frozenset(f"{i} : {o}" for i, o in outward.items()),
            "map",
        ),
    }
    sets["forwarded"] = Set(
        "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;",
        frozenset(_forwarded(router)),
        "map",
    )
    forward = "dnat ip to ip daddr . ip protocol . th dport map @forwarded"
    metadata = (
        f'iifname "qr*" ip daddr {names.METADATA_ADDRESS} tcp dport 80'
        f" redirect to :{names.METADATA_PORT}"
    )
    out = 'iifname "qr*" oifname "qg*"'
    hairpin = 'ct status dnat iifname "qr*" oifname "qr*" ct original ip daddr @fip_addr'
    sets["fip_addr"] = Set(
        "type ipv4_addr;", frozenset(f.floating_address for f in router.floating_ips)
    )
    own = _own_address(router)
    post = [f"{out} snat to ip saddr map @fip_out"]
    if own is not None and router.gateway is not None and router.gateway.enable_snat:
        post.append(f"{out} snat to {own}")
    post.append(f"{hairpin} snat to ip saddr map @fip_out")
    if own is not None:
        post.append(f"{hairpin} snat to {own}")
    nat = Table(
        "ip",
        "nat",
        sets,
        {
            "pre": Chain(
                (metadata, "dnat to ip daddr map @fip_in", forward),
                "type nat hook prerouting priority dstnat;",
            ),
            "out": Chain(
                ("dnat to ip daddr map @fip_in", forward), "type nat hook output priority -100;"
            ),
            "post": Chain(tuple(post), "type nat hook postrouting priority srcnat;"),
        },
    )
    return (nat, _filter(router))


def _forwarded(router: RouterSpec) -> Iterator[str]:
    for floating in router.floating_ips:
        for each in floating.forwarded:
            yield (
                f"{floating.floating_address} . {each.protocol} . {each.external_port}"
                f" : {each.fixed_address} . {each.internal_port}"
            )


def _limits(router: RouterSpec) -> Iterator[str]:
    """What a floating IP may carry, both ways."""
    for floating in router.floating_ips:
        for limit in floating.limits:
            if limit.inward:
                match = f'iifname "qg*" ct original ip daddr {floating.floating_address}'
                yield limit_text(limit, match)
            elif floating.fixed_address is not None:
                yield limit_text(limit, f'oifname "qg*" ip saddr {floating.fixed_address}')


def _filter(router: RouterSpec) -> Table:
    return Table(
        "inet",
        "filter",
        {},
        {
            "mss": Chain(
                ("tcp flags syn tcp option maxseg size set rt mtu",),
                "type filter hook forward priority mangle;",
            ),
            "limits": Chain(tuple(_limits(router)), "type filter hook forward priority 10;"),
            # The metadata port itself is for redirected connections only.
            "input": Chain(
                (f"tcp dport {names.METADATA_PORT} ct status & dnat == 0 drop",),
                "type filter hook input priority 0;",
            ),
        },
    )


def _own_address(router: RouterSpec) -> str | None:
    """The gateway port's first IPv4 address."""
    for address in router.gateway.addresses if router.gateway else ():
        interface = ipaddress.ip_interface(address)
        if interface.version == 4:
            return str(interface.ip)
    return None
