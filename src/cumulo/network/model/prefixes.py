"""The arithmetic of prefixes: what of a pool is free, and where a new subnet fits. Pure."""

import bisect
import functools
import ipaddress
from collections.abc import Callable, Iterable, Sequence

from cumulo.network.model.ipam import Network, parse_network

QUOTA_UNIT = {4: 32, 6: 64}
"""The prefix length that counts as one in a pool's quota."""


def compact(prefixes: Iterable[str]) -> list[str]:
    """Disjoint prefixes that hold the same addresses, in order. All of one IP version."""
    nets = [parse_network(each) for each in prefixes]
    return [str(net) for net in _collapsed(nets)]


def _collapsed(nets: Iterable[Network]) -> list[Network]:
    every = list(nets)
    four = [net for net in every if isinstance(net, ipaddress.IPv4Network)]
    six = [net for net in every if isinstance(net, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def holds(prefixes: Iterable[str], net: Network) -> bool:
    return any(_within(net, parse_network(each)) for each in prefixes)


Asked = Callable[[str], bool]


@functools.lru_cache(maxsize=65_536)
def _range(prefix: str) -> tuple[int, int, int]:
    """(IP version, first, last address)"""
    net = parse_network(prefix)
    return net.version, int(net.network_address), int(net.broadcast_address)


def crossing(prefixes: Iterable[str]) -> Asked:
    """Whether a prefix has an address in common with these, which are disjoint: of one IP version
    and in order once, then asked about many."""
    ranges = sorted(_range(each) for each in prefixes)

    def asked(prefix: str) -> bool:
        version, first, last = _range(prefix)
        place = bisect.bisect_right(ranges, (version, last, 1 << 129))
        if not place:
            return False
        other, _, end = ranges[place - 1]
        return other == version and end >= first

    return asked


def covering(prefixes: Iterable[str]) -> Asked:
    """Whether a prefix lies in one of these, which are disjoint."""
    ranges = sorted(_range(each) for each in prefixes)

    def asked(prefix: str) -> bool:
        version, first, last = _range(prefix)
        place = bisect.bisect_right(ranges, (version, first, 1 << 129))
        if not place:
            return False
        other, _, end = ranges[place - 1]
        return other == version and end >= last

    return asked


def _within(inner: Network, outer: Network) -> bool:
    if inner.version != outer.version or inner.prefixlen < outer.prefixlen:
        return False
    return int(inner.network_address) >> _rest(outer) == int(outer.network_address) >> _rest(outer)


def _rest(net: Network) -> int:
    return net.max_prefixlen - net.prefixlen


def without(prefixes: Iterable[str], removed: Iterable[str]) -> list[str]:
    """The rest of the prefixes."""
    gone = [parse_network(each) for each in removed]
    return [str(net) for net in free([parse_network(each) for each in prefixes], gone)]


def free(prefixes: Sequence[Network], taken: Iterable[Network]) -> list[Network]:
    """What of the prefixes is not taken, as prefixes in order."""
    busy = sorted((int(net.network_address), int(net.broadcast_address)) for net in taken)
    found: list[Network] = []
    for prefix in prefixes:
        start, end = int(prefix.network_address), int(prefix.broadcast_address)
        for first, last in busy:
            if last < start or first > end:
                continue
            found += _between(prefix, start, first - 1)
            start = max(start, last + 1)
        found += _between(prefix, start, end)
    return found


def _between(like: Network, start: int, end: int) -> list[Network]:
    if start > end:
        return []
    kind = type(like.network_address)
    return list(ipaddress.summarize_address_range(kind(start), kind(end)))


def fitting(gaps: Sequence[Network], prefixlen: int) -> Network | None:
    """A subnet of that length in the smallest gap that has room for it."""
    wide = [gap for gap in gaps if gap.prefixlen <= prefixlen]
    if not wide:
        return None
    gap = max(wide, key=lambda each: each.prefixlen)
    return ipaddress.ip_network((gap.network_address, prefixlen))


def units(net: Network | str) -> int:
    """What a subnet counts in its pool's quota; at least 1."""
    length = net.prefixlen if not isinstance(net, str) else parse_network(net).prefixlen
    version = net.version if not isinstance(net, str) else parse_network(net).version
    return 1 << max(0, QUOTA_UNIT[version] - length)
