"""The connections of strangers: what each may hold open, and for how long.

uvicorn speaks HTTP; this class of its, given to it by its public `http=`, bounds what comes before
there is a request, when nobody is known yet: silent connections, heads that never end, too many
from one address. What is turned away is counted by its reason and told in the log once in a while,
never a line for each: whoever does it does it a thousand times a second.

    nothing, then a byte      FIRST_BYTE seconds, also between the bytes that mean nothing
    a request's head          HEAD seconds and HEAD_BYTES, HEADERS of them
    a body that stands still  BODY seconds
    between two requests      uvicorn's own `timeout_keep_alive`
"""

import asyncio
import functools
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cumulo.core.http.answers import CutOff
from cumulo.core.open_files import raise_file_limit

log = logging.getLogger("cumulo.http")

TELL_SECONDS = 600.0
DEAD_PEER_MILLISECONDS = 120_000
"""How long the kernel waits for a peer to confirm what was sent."""
FILES_BESIDE = 512
"""Open files that are kept for all else: database, images, guests."""

# Written by uvicorn for each broken request.
_NOISE = ("Invalid HTTP request received.", "Unsupported upgrade request.")
_quiet = logging.getLogger("uvicorn.error.connections")


def _is_news(record: logging.LogRecord) -> bool:
    """Not what is only noise, and not what has been said in better words."""
    told = record.exc_info is not None and isinstance(record.exc_info[1], CutOff)
    return not told and not str(record.msg).startswith(_NOISE)


_quiet.addFilter(_is_news)
_ANSWERS = {
    400: b"HTTP/1.1 400 Bad Request\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    414: b"HTTP/1.1 414 URI Too Long\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
}


class Limits(msgspec.Struct, frozen=True):
    """Seconds, bytes, counts. `connections` 0: as many as there are files to open."""

    first_byte: float = 20.0
    head: float = 20.0
    body: float = 60.0
    head_bytes: int = 64 * 1024
    headers: int = 200
    per_address: int = 512
    connections: int = 0


class Refused(Exception):
    """Ends the parsing of a head; the answer has been sent."""


class Connections:
    """All connections of one server. `exempt`: addresses with as many as there is room for, since
    they stand for all their own clients."""

    def __init__(self, limits: Limits, exempt: Callable[[str], bool]) -> None:
        self.limits = limits
        self.most = limits.connections or max(64, raise_file_limit() - FILES_BESIDE)
        self.refused: Counter[str] = Counter()
        self._exempt = exempt
        self._of: dict[str, dict[BoundedProtocol, None]] = {}
        self._count = 0
        self._told: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._count

    def admit(self, protocol: "BoundedProtocol", address: str) -> str | None:
        """Take it in; the key to give it back with, or None when it is refused."""
        key = network_of(address)
        mine = self._of.setdefault(key, {})
        if len(mine) >= self.limits.per_address and address and not self._exempt(address):
            # Who opens ever more may still use them: an idle one makes room for a new one.
            self.refuse(f"more than {self.limits.per_address} connections from one address")
            if not self._close_idle(mine):
                return None
        elif self._count >= self.most:
            self.refuse(f"more than {self.most} connections")
            crowd = max(self._of.values(), key=len)
            if not self._close_idle(crowd):
                return None
        self._of.setdefault(key, {})[protocol] = None
        self._count += 1
        return key

    def drop(self, protocol: "BoundedProtocol", key: str) -> None:
        mine = self._of.get(key)
        if mine is not None and protocol in mine:
            del mine[protocol]
            self._count -= 1
            if not mine:
                del self._of[key]

    def refuse(self, why: str) -> None:
        self.refused[why] += 1
        self._untold[why] += 1
        now = time.monotonic()
        if why not in self._told or now - self._told[why] >= TELL_SECONDS:
            self._told[why] = now
            log.warning("%s connections turned away: %s", self._untold.pop(why), why)

    def _close_idle(self, some: "dict[BoundedProtocol, None]") -> bool:
        for protocol in some:
            if protocol.idle:
                protocol.abort()
                return True
        return False


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `bound` makes the class that belongs to a server."""

    shared: Connections

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.logger = _quiet
        self._key: str | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._heard = 0.0
        self._over = self._upgraded = False

    @property
    def idle(self) -> bool:
        """No request is being answered or sent."""
        return (
            not self._in_head
            and not self._upgraded
            and (self.cycle is None or self.cycle.response_complete)
        )

    def abort(self) -> None:
        self._over = True
        self._rest()
        self._release()
        if self.transport is not None:
            self.transport.abort()

    def _release(self) -> None:
        if self._key is not None:
            self.shared.drop(self, self._key)
            self._key = None

    def _ended(self) -> bool:
        return self._over

    # --- what the loop calls ------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._key = self.shared.admit(self, self.client[0] if self.client else "")
        if self._key is None:
            self._over = True
            transport.abort()
            return
        _watch_peer(transport)
        self._within(self.shared.limits.first_byte, "silent")

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self._rest()
        self._release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ended():
            return
        self._heard = self.loop.time()
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._ended():
            return
        if self._in_head and self._head_bytes > self.shared.limits.head_bytes:
            self._refuse(431, "a head of more than 64 KiB")
        elif self.idle and self._deadline is None and self.timeout_keep_alive_task is None:
            # Line ends and the like, which are no request yet.
            self._within(self.shared.limits.first_byte, "silent")

    # --- what the parser calls ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._within(self.shared.limits.head, "a head that does not end")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self.shared.limits.headers:
            self._refuse(431, "too many headers")
            raise Refused

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._rest()
        limits = self.shared.limits
        if len(self.url) > limits.head_bytes:
            self._refuse(414, "a head of more than 64 KiB")
            raise Refused
        if sum(len(name) + len(value) for name, value in self.headers) > limits.head_bytes:
            self._refuse(431, "a head of more than 64 KiB")
            raise Refused
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            self._refuse(400, "a version of HTTP that is not spoken here")
            raise Refused
        super().on_headers_complete()
        self._within(limits.body, "a body that stands still")

    def on_message_complete(self) -> None:
        self._in_head = False
        self._rest()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if not self._over:
            self._refuse(400, "no HTTP")

    def handle_websocket_upgrade(self) -> None:
        """From now on another protocol has the connection, which still counts."""
        self._rest()
        self._upgraded = True
        make: Any = self.ws_protocol_class
        become: Any = functools.partial(make, self._release)
        self.ws_protocol_class = become
        super().handle_websocket_upgrade()

    # --- deadlines ----------------------------------------------------------------------------

    def _within(self, seconds: float, what: str) -> None:
        self._rest()
        self._deadline = self.loop.call_later(seconds, self._late, seconds, what)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self, seconds: float, what: str) -> None:
        self._deadline = None
        if self._over:
            return
        if what != "a body that stands still":
            self._refuse(408 if self._in_head else 0, what)
            return
        left = self._heard + seconds - self.loop.time()
        if self.flow.read_paused or self.cycle.response_complete or left > 0.001:
            # We are the slow ones, or the answer came before the whole body.
            self._deadline = self.loop.call_later(max(left, 1.0), self._late, seconds, what)
            return
        self.shared.refuse(what)
        self.abort()

    def _refuse(self, status: int, why: str) -> None:
        """Answer (0: silently) and close: what else comes is not looked at."""
        self.shared.refuse(why)
        self._over = True
        self._rest()
        if status and (self.cycle is None or self.cycle.response_complete):
            self.transport.write(
                _ANSWERS[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n"
            )
        self.transport.close()


def bound(shared: Connections) -> type[BoundedProtocol]:
    """The class of protocol of one server, for uvicorn's `http=`."""
    return type("Protocol", (BoundedProtocol,), {"shared": shared})


def network_of(address: str) -> str:
    """What counts as one address: a whole /64 of IPv6, which one machine gets."""
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped is not None else found.packed[:8].hex()


def _watch_peer(transport: Any) -> None:
    """Peers that are gone without a word are noticed by the kernel."""
    found = transport.get_extra_info("socket")
    if found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MILLISECONDS)
