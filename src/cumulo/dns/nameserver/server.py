"""The sockets: questions come in, answers go out, each client for itself.

An answer that was made once is kept, with the zone's version that it was made of, and sent again
to whoever asks the same: only the id and the letters' case of the question are the asker's own.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cumulo.dns.nameserver.limits import RateLimit, network_of, plain
from cumulo.dns.nameserver.message import (
    FORMERR,
    HEADER,
    LEAST_PAYLOAD,
    NOTIFY,
    NXDOMAIN,
    OUR_PAYLOAD,
    QR,
    QUERY,
    REFUSED,
    TC,
    Answer,
    Malformed,
    Question,
    read,
    refusal,
)
from cumulo.dns.nameserver.resolve import AXFR, IXFR, resolve
from cumulo.dns.nameserver.transfers import Transfers
from cumulo.dns.nameserver.zones import SOA, World, Zone

log = logging.getLogger("cumulo.dns")

MOST_KEPT = 50_000
MOST_CONNECTIONS = 300
MOST_OF_ONE = 50
"""Connections from one address, or network of IPv6."""
IDLE_SECONDS = 10.0
HANDSHAKE_SECONDS = 5.0
PARTING_SECONDS = 5.0
MOST_QUESTIONS = 1000
"""By one connection."""
SEND_BUFFER = 1024 * 1024
WAIT_SECONDS, MOST_WAITS = 0.1, 100
SIGNATURE_BYTES = 8 * 1024
"""A signed answer takes as long as a plain one of this length."""

Kept = tuple[bytes, bytes, bytes, World | Zone, int]
"""The head after the id, what comes after the question, what the rate limit counts it as, and of
which version of what it was made."""


class Desk:
    """Answers messages, whatever they came by."""

    def __init__(self, world: World, limit: RateLimit, transfers: Sequence[str] = ()) -> None:
        self.world = world
        self.limit = limit
        self.transfers = Transfers(world, transfers)
        self.transfers.heard = self._heard
        self.sent: Counter[str] = Counter()
        self.notified: Callable[[bytes, str], None] = lambda name, address: None
        """Called when somebody says that one of the zones has changed."""
        self._kept: dict[bytes, Kept] = {}

    def by_udp(self, data: bytes, address: str) -> bytes | None:
        """The answer; None: there is none."""
        end = data.find(b"\0", HEADER) + 5
        spare = len(data) - end
        key = None
        # After the question nothing, or EDNS, whose options do not matter here.
        if end > HEADER + 4 and (
            spare == 0
            or (spare >= 11 and spare == 11 + int.from_bytes(data[end + 9 : end + 11], "big"))
        ):
            name = data[HEADER : end - 4].lower()
            key = _FLAGS[data[2]] + data[4:HEADER] + name + data[end - 4 : end]
            if spare:
                opt = data[end : end + 9]
                key += _EDNS.get(opt) or _edns(opt)
            kept = self._kept.get(key)
            if kept is not None and kept[3].version == kept[4]:
                verdict = self.limit.verdict(address, kept[2])
                head = data[:2] + kept[0] + data[HEADER:end]
                if verdict == 0:
                    return head + kept[1]
                return _cut(head) if verdict == 1 else None
        return self._made(data, address, key, end)

    def _made(self, data: bytes, address: str, key: bytes | None, end: int) -> bytes | None:
        try:
            question = read(data)
        except Malformed as malformed:
            if not malformed.answerable or self.limit.verdict(address, b""):
                return None
            return refusal(data, FORMERR)
        if question.signed:
            # Signed answers are made for few: they take a thousand times as long.
            if self.limit.verdict(address, b"signed"):
                return None
            return next(iter(self.transfers.signed(data, question, address, udp=True)), None)
        if question.opcode == NOTIFY:
            # By zone: who pretends to be a master of one is not in the way of others.
            if self.limit.verdict(address, b"notify" + question.name):
                return None
            return self._heard(question, address).wire(LEAST_PAYLOAD)
        about = self.world.zone_of(question.name)
        if about is not None and self.limit.is_spent(address, about.name):
            # Before the work: random names of one zone, say, none of which is kept.
            if self.limit.verdict(address, b"spent") == 2:
                return None
            return _cut(data[:2] + _flags(question) + data[4:HEADER] + question.asked)
        answer, zone = resolve(self.world, question)
        wire = answer.wire(question.room(udp=True))
        token = _token(question, answer, zone)
        whole = HEADER + len(question.asked) == end
        if key is not None and whole and (end == len(data) or question.payload is not None):
            if len(self._kept) >= MOST_KEPT:
                self._kept = {}
            source = zone if zone is not None else self.world
            self._kept[key] = (wire[2:HEADER], wire[end:], token, source, source.version)
        verdict = self.limit.verdict(address, token)
        if verdict == 0:
            return wire
        if about is not None:
            self.limit.waste(address, about.name)
        return _cut(wire[: HEADER + len(question.asked)]) if verdict == 1 else None

    def by_tcp(self, data: bytes, address: str) -> Iterator[bytes]:
        """The messages of the answer; a zone may take many. Raises Malformed."""
        question = read(data)
        if question.signed:
            self.limit.sent_by_tcp(address, max(SIGNATURE_BYTES, len(data)))
            yield from self.transfers.signed(data, question, address, udp=False)
        elif question.type in (AXFR, IXFR) and question.opcode == QUERY:
            self.limit.sent_by_tcp(address, 0)
            yield from self.transfers.plain(data, question, address)
        elif question.opcode == NOTIFY:
            yield self._heard(question, address).wire(LEAST_PAYLOAD)
        else:
            wire = resolve(self.world, question)[0].wire(question.room(udp=False))
            # One that is too long even so was the same work.
            self.limit.sent_by_tcp(address, 65535 if wire[2] & (TC >> 8) else len(wire))
            yield wire

    def _heard(self, question: Question, address: str) -> Answer:
        """A master's word (RFC 1996). Of one that has a name anybody's is taken for his."""
        zone = self.world.zones.get(question.name)
        if zone is None or question.type != SOA or not zone.masters & {address, ""}:
            return Answer(question, REFUSED)
        # Of whom it is not known whether he is one it does not matter who he is.
        self.notified(zone.name, address if address in zone.masters else "")
        return Answer(question, aa=True)

    def forget(self) -> None:
        """Zones came or went: names may belong to another one now."""
        self._kept = {}


def _token(question: Question, answer: Answer, zone: Zone | None) -> bytes:
    """Answers are alike that say the same; all names that do not exist are one."""
    if answer.rcode == NXDOMAIN and zone is not None:
        return b"x" + zone.name
    if answer.rcode or not answer.answer:
        return bytes([answer.rcode]) + (zone.name if zone is not None else b"")
    # Any number of names have what one wildcard says.
    return (answer.wildcard or question.name) + bytes([question.type & 255])


_FLAGS = [bytes([octet & 0xF9]) for octet in range(256)]
"""What of the flags of a question, in their first octet, has a part in the answer. (QR is one: what
says of itself that it is an answer is none that we answer.)"""


def _edns(opt: bytes) -> bytes:
    """What of it has a part in the answer. Its size may be any number, and its answer is the same:
    so nobody has the same made over and over."""
    room = min(max(int.from_bytes(opt[3:5], "big"), LEAST_PAYLOAD), OUR_PAYLOAD)
    found = opt[:3] + room.to_bytes(2, "big") + bytes([opt[6], opt[7] & 0x80])
    if len(_EDNS) < MOST_KEPT:
        _EDNS[opt] = found
    return found


_EDNS: dict[bytes, bytes] = {}
"""Those that were seen: nearly all questions have one of a few."""


def _flags(question: Question) -> bytes:
    return (QR | (question.flags & 0x7900)).to_bytes(2, "big")


def _cut(wire: bytes) -> bytes:
    """The head and question of an answer, with TC and nothing else."""
    flags = int.from_bytes(wire[2:4], "big") | TC
    return wire[:2] + flags.to_bytes(2, "big") + b"\0\x01" + b"\0" * 6 + wire[HEADER:]


class Udp(asyncio.DatagramProtocol):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        try:
            answer = self._desk.by_udp(data, plain(addr[0]))
        except Exception:  # one packet harms nobody else
            self._desk.sent["failed"] += 1
            log.exception("a question by UDP failed: %s", data[:512].hex())
            return
        if answer is not None and self._transport.get_write_buffer_size() < SEND_BUFFER:
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        """Somebody is not there any more to hear our answer."""
        self._desk.sent["unheard"] += 1


class Connection:
    """`seen`: when it last asked something; `abort` ends it."""

    __slots__ = ("abort", "network", "seen")

    def __init__(self, network: str | bytes, abort: Callable[[], object]) -> None:
        self.network = network
        self.abort = abort
        self.seen = time.monotonic()


class Tcp:
    """Connections: few of one address, each with little time. When all places are taken, the
    network that has most of them gives up the one that was silent for longest, so that whoever
    holds many keeps nobody out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._of: Counter[str | bytes] = Counter()
        self._open: set[Connection] = set()
        self._shaking: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = plain(str(peer[0])) if peer else ""
        connection = self._begun(address, writer.transport.abort)
        try:
            if connection is not None:
                await self._talk(reader, writer, connection, address)
        finally:
            self._ended(address, connection)
            _part(writer)

    async def serve_tls(self, listening: socket.socket, tls: ssl.SSLContext) -> None:
        """DNS over TLS (RFC 7858): until cancelled. Handshakes take places, too."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(listening)
            except OSError as error:
                log.info("no connection can be taken: %s", error)
                await asyncio.sleep(0.1)
                continue
            task = asyncio.create_task(self._serve_tls(accepted, plain(str(peer[0])), tls))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)

    async def _serve_tls(self, accepted: socket.socket, address: str, tls: ssl.SSLContext) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = self._begun(address, task.cancel)
        if connection is None:
            accepted.close()
            return
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        writer = None
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=tls, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            await self._talk(reader, writer, connection, address)
        except (OSError, ssl.SSLError) as error:
            log.debug("no TLS with %s: %s", address, error)
        finally:
            self._ended(address, connection)
            if writer is not None:
                _part(writer)

    def _begun(self, address: str, abort: Callable[[], object]) -> Connection | None:
        if self._of[_who(address)] >= MOST_OF_ONE:
            return None
        if len(self._open) >= MOST_CONNECTIONS:
            self._make_room()
        connection = Connection(network_of(address), abort)
        self._open.add(connection)
        self._of[_who(address)] += 1
        return connection

    def _ended(self, address: str, connection: Connection | None) -> None:
        if connection is not None:
            self._open.discard(connection)
            self._of[_who(address)] -= 1
        if not self._of[_who(address)]:
            del self._of[_who(address)]

    def _make_room(self) -> None:
        most = Counter(each.network for each in self._open).most_common(1)[0][0]
        found = min((c for c in self._open if c.network == most), key=lambda each: each.seen)
        self._open.discard(found)
        found.abort()

    async def _talk(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: Connection,
        address: str,
    ) -> None:
        try:
            await self._answer(reader, writer, connection, address)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass  # it went away, or said nothing for long
        except Exception:
            log.exception("a question by TCP failed")

    async def _answer(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: Connection,
        address: str,
    ) -> None:
        for _ in range(MOST_QUESTIONS):
            async with asyncio.timeout(IDLE_SECONDS):
                length = int.from_bytes(await reader.readexactly(2), "big")
                data = await reader.readexactly(length)
            connection.seen = time.monotonic()
            try:
                for _ in range(MOST_WAITS):
                    if not self._desk.limit.has_to_wait(address):
                        break
                    await asyncio.sleep(WAIT_SECONDS)
                    if writer.is_closing():
                        return  # It gave up its place meanwhile.
                for message in self._desk.by_tcp(data, address):
                    await _send(writer, message)
                    await asyncio.sleep(0)  # Others have their turn, however long a zone is.
            except Malformed as malformed:
                if not malformed.answerable:
                    return
                await _send(writer, refusal(data, FORMERR))


def _who(address: str) -> str | bytes:
    """Whoever has one address of IPv6 has a network of them."""
    return network_of(address) if ":" in address else address


async def _send(writer: asyncio.StreamWriter, wire: bytes) -> None:
    writer.write(len(wire).to_bytes(2, "big") + wire)
    async with asyncio.timeout(IDLE_SECONDS):
        await writer.drain()


async def listen(
    desk: Desk,
    udp: list[socket.socket],
    tcp: list[socket.socket],
    tls: Sequence[socket.socket] = (),
    context: ssl.SSLContext | None = None,
) -> Callable[[], None]:
    """Answer on these sockets; what is returned ends it."""
    loop = asyncio.get_running_loop()
    closing: list[Callable[[], object]] = []
    for each in udp:
        with contextlib.suppress(OSError):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        transport, _ = await loop.create_datagram_endpoint(lambda: Udp(desk), sock=each)
        closing.append(transport.close)
    connections = Tcp(desk)
    for each in tcp:
        server = await asyncio.start_server(connections.serve, sock=each, backlog=128)
        closing.append(server.close)
    if context is not None:
        for each in tls:
            serving = asyncio.create_task(connections.serve_tls(each, context))
            closing.append(serving.cancel)

    def close() -> None:
        for end in closing:
            end()

    return close


def _part(writer: asyncio.StreamWriter) -> None:
    """The rest of an answer may still go; whoever does not read it keeps no descriptor for that."""
    writer.close()
    asyncio.get_running_loop().call_later(PARTING_SECONDS, writer.transport.abort)
