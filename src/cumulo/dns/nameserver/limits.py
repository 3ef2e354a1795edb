"""How many like answers one network is sent: so that nobody uses us to flood somebody else.

Who asks by UDP may pretend to be anybody. Answers are counted by network (/24, or /56 of IPv6) and
by what they say; above the limit every second one is sent cut, so that a real client comes again
by TCP, and the others not at all.
"""

import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

MOST_COUNTERS = 100_000


class RateLimit:
    """`limit`: like answers a second to one network; 0: any number. `exempt`: networks that are
    sent any number, since nobody can pretend to be in them."""

    def __init__(self, limit: int, exempt: Sequence[str] = ()) -> None:
        self.limit = limit
        self._exempt = [ip_network(each) for each in exempt]
        self._counts: dict[tuple[str | bytes, bytes], int] = {}

    def tick(self) -> None:
        """A second has gone by."""
        if self._counts:
            self._counts = {}

    def verdict(self, address: str, token: bytes) -> int:
        """0: send it; 1: send it cut; 2: send nothing. `token`: what the answer says."""
        if self.limit == 0:
            return 0
        key = (network_of(address), token)
        count = self._counts.get(key, 0) + 1
        if count == 1 and len(self._counts) >= MOST_COUNTERS:
            self._counts = {}
        self._counts[key] = count
        if count <= self.limit or (self._exempt and self._is_exempt(address)):
            return 0
        return 1 + count % 2

    def _is_exempt(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self._exempt)


def network_of(address: str) -> str | bytes:
    if ":" not in address:
        return address.rpartition(".")[0]
    return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])[:7]
