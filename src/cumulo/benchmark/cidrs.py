"""The row of networks that scenarios and contexts take, one after the other, that do not overlap.

Processes that share a load go on where the one before them is, each with every Nth.
"""

import ipaddress
from collections.abc import Mapping

_next: dict[str, int] = {}
_beyond = [0, 1]
"""Of a row that has not begun: the first number, and how far it is to the next."""


def next_cidr(start: str) -> str:
    """The next of the row that begins with `start`."""
    first = ipaddress.ip_network(start, strict=False)
    number = _next.get(start, _beyond[0])
    _next[start] = number + _beyond[1]
    base = int(first.network_address) + number * first.num_addresses
    highest = 2**first.max_prefixlen - first.num_addresses
    if base > highest:
        base = int(first.network_address)
    return f"{ipaddress.ip_address(base)}/{first.prefixlen}"


def so_far() -> dict[str, int]:
    """The next number of each row."""
    return dict(_next)


def share(before: Mapping[str, int], index: int, processes: int) -> None:
    """Take every Nth from now on, beginning behind what another process has taken."""
    _next.clear()
    _next.update({start: number + index for start, number in before.items()})
    _beyond[:] = index, processes
