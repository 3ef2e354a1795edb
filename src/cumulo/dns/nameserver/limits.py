"""How many like answers one network is sent: so that nobody uses us to flood somebody else.

Who asks by UDP may pretend to be anybody. Answers are counted by network (/24, or /56 of IPv6) and
by what they say; above the limit every second one is sent cut, so that a real client comes again
by TCP, and the others not at all.

Making an answer is work, too. A network to which as many answers about a zone were made in vain as
the limit is has no more made of that zone in this second; and by TCP, where nobody pretends, a
network that has had its share waits.
"""

import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

MOST_COUNTERS = 100_000
BY_TCP = 5
"""Times the limit: what a network may have by TCP in a second, long answers counted as many."""
UNIT_BYTES = 1232


class RateLimit:
    """`limit`: like answers a second to one network; 0: any number. `exempt`: networks that are
    sent any number, since nobody can pretend to be in them."""

    def __init__(self, limit: int, exempt: Sequence[str] = ()) -> None:
        self.limit = limit
        self._exempt = [ip_network(each) for each in exempt]
        self._counts: dict[tuple[str | bytes, bytes], int] = {}
        self._wasted: dict[tuple[str | bytes, bytes], int] = {}
        self._by_tcp: dict[str | bytes, int] = {}

    def tick(self) -> None:
        """A second has gone by."""
        if self._counts:
            self._counts = {}
        if self._wasted:
            self._wasted = {}
        if self._by_tcp:
            self._by_tcp = {}

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

    def is_spent(self, address: str, zone: bytes) -> bool:
        """Too much was made of this zone for this network, and not sent."""
        return self._wasted.get((network_of(address), zone), 0) > self.limit > 0

    def waste(self, address: str, zone: bytes) -> None:
        """An answer was made, and is not sent."""
        key = (network_of(address), zone)
        if len(self._wasted) >= MOST_COUNTERS:
            self._wasted = {}
        self._wasted[key] = self._wasted.get(key, 0) + 1

    def has_to_wait(self, address: str) -> bool:
        """Of who asks by TCP."""
        if self.limit == 0 or self._by_tcp.get(network_of(address), 0) < BY_TCP * self.limit:
            return False
        return not (self._exempt and self._is_exempt(address))

    def sent_by_tcp(self, address: str, size: int) -> None:
        network = network_of(address)
        if len(self._by_tcp) >= MOST_COUNTERS:
            self._by_tcp = {}
        self._by_tcp[network] = self._by_tcp.get(network, 0) + 1 + size // UNIT_BYTES

    def _is_exempt(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self._exempt)


def plain(address: str) -> str:
    """An address of IPv4 that came by a socket of IPv6 is what it is."""
    if address[:7] == "::ffff:" and "." in address:
        return address[7:]
    return address


def network_of(address: str) -> str | bytes:
    if ":" not in address:
        return address.rpartition(".")[0]
    return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])[:7]
