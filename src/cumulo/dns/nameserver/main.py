"""The name server's process: `python -m cumulo.dns.nameserver.main SETTINGS`.

Its standard input is the socket of the feed; when that ends, the cloud has ended, and so does the
server. SETTINGS is JSON: numbers of the sockets that it has inherited, and its limits.
"""

import asyncio
import logging
import socket
import sys

import msgspec

from cumulo.dns.nameserver.feed import Commit, frame, read_frame
from cumulo.dns.nameserver.limits import RateLimit
from cumulo.dns.nameserver.notify import Notifier
from cumulo.dns.nameserver.server import Desk, listen
from cumulo.dns.nameserver.zones import World

log = logging.getLogger("cumulo.dns")


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


async def ticks(limit: RateLimit) -> None:
    while True:
        await asyncio.sleep(1.0)
        limit.tick()


async def serve(start: Start, feed: socket.socket) -> None:
    desk = Desk(World(), RateLimit(start.rate_limit), start.transfers)
    reader, writer = await asyncio.open_connection(sock=feed)
    close = await listen(
        desk,
        [socket.socket(fileno=number) for number in start.udp],
        [socket.socket(fileno=number) for number in start.tcp],
    )
    seconds = asyncio.create_task(ticks(desk.limit))
    notifier = Notifier(desk.world, start.notify)
    telling = asyncio.create_task(notifier.run())
    await follow(reader, writer, desk, notifier)
    telling.cancel()
    seconds.cancel()
    close()


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
