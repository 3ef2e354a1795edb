"""The arithmetic of addresses: pools, the next free one, addresses out of MACs. Pure."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence

from cumulo.network.model.orders import AllocationRange

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Range = tuple[int, int]
"""First and last address, both inside."""

CHUNK = 256


def parse_address(text: str) -> Address:
    """Raises ValueError, also for an address with a scope (`%eth0`): that is a word of one host's,
    and could be any text, which must not reach another program's configuration."""
    if "%" in text:
        raise ValueError(f"{text!r} has a scope")
    return ipaddress.ip_address(text)


def parse_network(text: str) -> Network:
    """A CIDR, host bits cleared. Raises ValueError, also for a scope."""
    if "%" in text:
        raise ValueError(f"{text!r} has a scope")
    return ipaddress.ip_network(text, strict=False)


def place_of(address: str) -> str:
    """The sortable form of an address."""
    return f"{int(ipaddress.ip_address(address)):032x}"


def ranges_of(pools: Iterable[AllocationRange]) -> list[Range]:
    return [
        (int(ipaddress.ip_address(pool.start)), int(ipaddress.ip_address(pool.end)))
        for pool in pools
    ]


def usable(network: Network) -> Range:
    """The addresses that hosts may have: without network and broadcast address of IPv4, and
    without the subnet-router anycast address of IPv6."""
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.version == 4:
        return (first, last) if network.prefixlen >= 31 else (first + 1, last - 1)
    return (first, last) if network.prefixlen >= 127 else (first + 1, last)


def default_gateway(network: Network) -> str:
    """The first usable address; for IPv6 the one after the prefix, too."""
    return str(network[0] if network.num_addresses == 1 else network[1])


def default_pools(network: Network, gateway: str | None) -> list[AllocationRange]:
    """All usable addresses but the gateway's."""
    kind = type(network.network_address)
    first, last = usable(network)
    ranges = [(first, last)]
    if gateway is not None and first <= (number := int(ipaddress.ip_address(gateway))) <= last:
        ranges = [(first, number - 1), (number + 1, last)]
    return [
        AllocationRange(str(kind(start)), str(kind(end))) for start, end in ranges if start <= end
    ]


def next_free(
    pools: Sequence[Range], after: int, taken: Callable[[int, int], Sequence[int]]
) -> int | None:
    """The first address of the pools behind `after` that is not taken, from the start again when
    there is none; None when all are taken.

    `taken(first, last)` gives taken addresses between the two (both inside) in ascending order,
    at most CHUNK of them.
    """
    ordered = sorted(pools)
    behind = [(max(start, after + 1), end) for start, end in ordered if end > after]
    before = [(start, min(end, after)) for start, end in ordered if start <= after]
    for start, end in (*behind, *before):
        for candidate in _gaps(start, end, taken):
            return candidate
    return None


def _gaps(start: int, end: int, taken: Callable[[int, int], Sequence[int]]) -> Iterator[int]:
    while start <= end:
        found = taken(start, end)
        for number in found:
            if number > start:
                yield start
                return
            start = number + 1
        if len(found) < CHUNK and start <= end:
            yield start
            return


def from_mac(cidr: str, mac: str) -> str:
    """The address that a host with this MAC makes for itself (modified EUI-64)."""
    parts = [int(part, 16) for part in mac.split(":")]
    parts[0] ^= 2
    identifier = int.from_bytes(bytes([*parts[:3], 0xFF, 0xFE, *parts[3:]]), "big")
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Network(cidr).network_address) + identifier))


def overlap(first: str, second: str) -> bool:
    """Whether two CIDRs have an address in common."""
    one, other = ipaddress.ip_network(first), ipaddress.ip_network(second)
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.overlaps(other)
    return isinstance(other, ipaddress.IPv6Network) and one.overlaps(other)


def inside(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)


def with_prefix(address: str, cidr: str) -> str:
    return f"{address}/{cidr.partition('/')[2]}"
