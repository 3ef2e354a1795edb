"""Telling other name servers that a zone has changed (NOTIFY, RFC 1996).

Each is told until it answers, a few times with growing pauses; who never hears it finds out by the
SOA's refresh.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from cumulo.dns.nameserver.message import AA, HEADER, NOTIFY, QR
from cumulo.dns.nameserver.zones import SOA, World

log = logging.getLogger("cumulo.dns")

TRIES = 5
FIRST_PAUSE = 0.5
MOST_WAITING = 20_000
PACE_SECONDS = 0.002
"""Between two messages: when all zones are new nobody is flooded."""

Address = tuple[str, int]


class Notifier(asyncio.DatagramProtocol):
    def __init__(self, world: World, targets: Mapping[str, Sequence[str]]) -> None:
        self._world = world
        self._targets = {
            pool: [_address(each) for each in addresses] for pool, addresses in targets.items()
        }
        self._waiting: dict[tuple[bytes, Address], tuple[int, float]] = {}
        """(zone, target) → how often it was told, and when next."""
        self._asked: dict[tuple[bytes, str], tuple[bytes, Address]] = {}
        """(id, address) → what was sent so."""
        self._bell = asyncio.Event()
        self._transports: dict[bool, Any] = {}
        """By whether it is for IPv6: a socket for both would be told nothing by IPv4."""

    @property
    def needed(self) -> bool:
        return bool(self._targets)

    def changed(self, names: Iterable[bytes]) -> None:
        """Tell all whom these zones concern."""
        if not self._targets:
            return
        for name in names:
            zone = self._world.zones.get(name)
            if zone is None or zone.soa is None:
                continue
            for target in (*self._targets.get("", ()), *self._targets.get(zone.pool_id, ())):
                if len(self._waiting) < MOST_WAITING:
                    self._waiting[(name, target)] = (0, 0.0)
        self._bell.set()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if len(data) < HEADER or not data[2] & (QR >> 8) or data[2] >> 3 & 15 != NOTIFY:
            return
        told = self._asked.pop((data[:2], addr[0]), None)
        if told is not None:
            self._waiting.pop(told, None)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            for six in {":" in host for each in self._targets.values() for host, _ in each}:
                try:
                    bound = _bound(six)
                except OSError as error:  # a machine without IPv6
                    log.warning("nobody with IPv%d is told of changes: %s", 6 if six else 4, error)
                    continue
                self._transports[six], _ = await loop.create_datagram_endpoint(
                    lambda: self, sock=bound
                )
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause(loop.time())):
                        await self._bell.wait()
                self._bell.clear()
                for key, (tries, due) in list(self._waiting.items()):
                    if due <= loop.time():
                        self._tell(key, tries, loop.time())
                        await asyncio.sleep(PACE_SECONDS)
        finally:
            for each in self._transports.values():
                each.close()

    def _pause(self, now: float) -> float | None:
        if not self._waiting:
            return None
        return max(0.01, min(due for _, due in self._waiting.values()) - now)

    def _tell(self, key: tuple[bytes, Address], tries: int, now: float) -> None:
        name, target = key
        zone = self._world.zones.get(name)
        if zone is None or zone.soa is None or tries >= TRIES:
            self._waiting.pop(key, None)
            if tries >= TRIES:
                log.info("%s does not hear of changes of %r", target, name)
            return
        self._waiting[key] = (tries + 1, now + FIRST_PAUSE * 2**tries)
        id = os.urandom(2)
        if len(self._asked) > MOST_WAITING:
            self._asked.clear()
        self._asked[(id, target[0])] = key
        flags = (NOTIFY << 11) | AA
        head = b"".join(n.to_bytes(2, "big") for n in (flags, 1, 1, 0, 0))
        question = name + SOA.to_bytes(2, "big") + b"\0\x01"
        transport = self._transports.get(":" in target[0])
        if transport is None:
            return
        try:
            transport.sendto(id + head + question + b"\xc0\x0c" + zone.soa, target)
        except (OSError, ValueError) as error:
            log.info("%s cannot be told: %s", target, error)


def _bound(six: bool) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if six:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setblocking(False)
        bound.bind(("::" if six else "0.0.0.0", 0))
    except OSError:
        bound.close()
        raise
    return bound


def _address(text: str) -> Address:
    """As answers will have it. Raises ValueError for a name, and for what is none at all."""
    host, _, port = text.rpartition(":")
    return str(ip_address(host.strip("[]"))), int(port)
