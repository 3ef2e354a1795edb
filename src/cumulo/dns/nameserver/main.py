"""The name server's process: `python -m cumulo.dns.nameserver.main SETTINGS`.

Its standard input is the socket of the feed; when that ends, the cloud has ended, and so does the
server. SETTINGS is JSON: numbers of the sockets that it has inherited, and its limits.
"""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cumulo.dns.names import wire
from cumulo.dns.nameserver.feed import Commit, Notified, frame, read_frame
from cumulo.dns.nameserver.limits import RateLimit
from cumulo.dns.nameserver.notify import Notifier
from cumulo.dns.nameserver.server import Desk, listen
from cumulo.dns.nameserver.zones import World

log = logging.getLogger("cumulo.dns")
MOST_HEARD = 1000
"""In a second."""


class Start(msgspec.Struct, frozen=True):
    """What the server is told when it starts."""

    udp: list[int]
    tcp: list[int]
    rate_limit: int
    transfers: list[str] = []
    """Networks that may have any zone whole, without a key."""
    notify: dict[str, list[str]] = {}
    """Whom to tell of changes, as `192.0.2.1:53`: those of a pool by its id, those of all zones
    by an empty one."""
    exempt: list[str] = []
    """Networks that the limit is not for."""
    catalogs: dict[str, str] = {}
    """Names of the pools' catalog zones, by the pool's id."""
    tls: list[int] = []
    """Sockets for DNS over TLS."""
    certificate: str = ""
    key: str = ""
    """Its files, in PEM."""


class Ear:
    """Who says that zones have changed: told on to the cloud, each zone once a second. What is said
    again within the second is told on at its end: the zone may have changed since the first time,
    and whoever was answered does not say it once more."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._heard: set[tuple[bytes, str]] = set()
        self._again: set[tuple[bytes, str]] = set()

    def hear(self, name: bytes, address: str) -> None:
        if (name, address) in self._heard:
            self._again.add((name, address))
        elif len(self._heard) < MOST_HEARD:
            self._heard.add((name, address))
            self._writer.write(frame([Notified(name, address)]))

    def tick(self) -> None:
        self._heard, self._again = self._again, set()
        for name, address in self._heard:
            self._writer.write(frame([Notified(name, address)]))


class Certificate:
    """The files are read again when they have changed: certificates live for weeks."""

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["dot"])
        self._seen = self._stamp()
        self.context.load_cert_chain(certificate, key)

    def tick(self) -> None:
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                self.context.load_cert_chain(*self._files)
                self._seen = stamp
                log.info("a new certificate")
        except (OSError, ssl.SSLError) as error:
            # Half written: the next second shows it whole. Until then the old one is good.
            log.info("the certificate cannot be read: %s", error)

    def _stamp(self) -> list[float]:
        return [Path(each).stat().st_mtime for each in self._files]


async def follow(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk, notifier: Notifier
) -> None:
    """Take over what the feed says, and say which commit that was, until it ends."""
    world = desk.world
    while True:
        try:
            steps = await read_frame(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        layout = world.layout
        number = world.take(steps)
        if number is None:
            continue
        if world.layout != layout:
            desk.forget()
        notifier.changed(world.changed)
        writer.write(frame([Commit(number)]))
        await writer.drain()


async def ticks(*each_second: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(1.0)
        for tick in each_second:
            tick()


async def serve(start: Start, feed: socket.socket) -> None:
    catalogs = {pool: wire(name) for pool, name in start.catalogs.items()}
    limit = RateLimit(start.rate_limit, start.exempt)
    desk = Desk(World(catalogs), limit, start.transfers)
    reader, writer = await asyncio.open_connection(sock=feed)
    ear = Ear(writer)
    desk.notified = ear.hear
    ticking = [desk.limit.tick, ear.tick]
    certificate = None
    if start.tls:
        certificate = Certificate(start.certificate, start.key)
        ticking.append(certificate.tick)
    close = await listen(
        desk,
        [socket.socket(fileno=number) for number in start.udp],
        [socket.socket(fileno=number) for number in start.tcp],
        [socket.socket(fileno=number) for number in start.tls],
        None if certificate is None else certificate.context,
    )
    notifier = Notifier(desk.world, start.notify)
    parts = [follow(reader, writer, desk, notifier), ticks(*ticking)]
    if notifier.needed:
        parts.append(notifier.run())
    await until_one_ends(parts)
    close()


async def until_one_ends(parts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """A server that lacks a part of it is none: the cloud sees its end, and starts another one."""
    tasks = [asyncio.create_task(each) for each in parts]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    for task in done:
        if (error := task.exception()) is not None:
            log.error("a part of the name server has ended", exc_info=error)


def main() -> None:
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    start = msgspec.json.decode(sys.argv[1], type=Start)
    feed = socket.socket(fileno=0)
    feed.setblocking(False)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(start, feed))


if __name__ == "__main__":
    main()
