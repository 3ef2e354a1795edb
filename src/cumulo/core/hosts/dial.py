"""A host's end of the link: it dials the control plane, and dials again for as long as it lives.

Implements `link.Link`, with the messages of the in-process one; while nobody answers, every call
fails at once and the agent goes on with what it was told last. What the control plane asks is
answered by the agent. `Uplink` is what a driver may ask of the control plane beside that.
"""

import asyncio
import contextlib
import logging
import random
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.streams import BLOCK, Reader
from cumulo.core.hosts import authority
from cumulo.core.hosts.conductor import HostDown
from cumulo.core.hosts.hello import (
    PATH,
    PROTOCOLS,
    Close,
    Failed,
    Hello,
    Open,
    Opened,
    Piece,
    Query,
    Renewal,
    Samples,
    Welcome,
)
from cumulo.core.hosts.lines import Line, Lines, OpenLine, SocketLine
from cumulo.core.hosts.messages import Answer, Ask, Fetch, Item, Items, Report, Taken
from cumulo.core.hosts.peer import LONGEST_ANSWER, Nonsense, Peer, PeerFault, PeerGone
from cumulo.core.hosts.samples import Sample
from cumulo.core.work.reconciler import backoff

log = logging.getLogger("cumulo.link")

OPEN_SECONDS = 10.0
PING_SECONDS = 15.0
RENEW_LOOK = 6 * 3600.0
QUESTIONS = 128
"""Of the control plane that are answered at once; some take as long as a disk is copied, and each
line is one or two."""
MOST_LINES = 32
"""Consoles that are looked at at once."""
MOST_PLACES = 64
_PLACE = re.compile(r"wss://[0-9A-Za-z.:\[\]-]{1,260}:\d{1,5}/?")
REMOVED = 4403
"""The code of a connection that is closed since the host was removed."""
_ENDS: tuple[type[Exception], ...] = (
    *(OSError, InvalidHandshake, InvalidURI, ConnectionClosed),
    *(PeerFault, Nonsense, msgspec.MsgspecError, ValueError, OverflowError),
)
"""How a connection ends, or is none: an address that is none, a release that says other things."""
_decode = msgspec.msgpack.decode


class Identity:
    """What a joined machine has in its data directory's `secrets`."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "cloud-authority.pem"
        self.pair = folder / "host.pem"
        """Key and certificate."""
        self.key = folder / "host-next.key"
        """The key of a request that is not answered yet."""

    def keep(self, certificate: bytes) -> None:
        """The request was answered."""
        authority.write_private(self.pair, self.key.read_bytes() + certificate)
        self.key.unlink()

    def context(self) -> ssl.SSLContext:
        return authority.client_context(self.authority, self.pair)


class DialledLink:
    """`places`: where control nodes may be, `wss://ADDRESS:PORT`; the first is where the machine
    joined. Whoever does not answer, or ends the connection, is followed by the next. `learned` is
    told what a control plane says of its nodes. `answer`: the agent's to a question; `wake`: rung
    for a kind. `settings`: this machine's, of those that the control plane wants alike."""

    def __init__(
        self,
        places: Sequence[str],
        identity: Identity,
        *,
        version: str,
        settings: Mapping[str, Any],
        learned: Callable[[list[str]], None] = lambda nodes: None,
    ) -> None:
        self._places = [each.rstrip("/") for each in places]
        self.url = self._places[0]
        """Where it is connected, or tries to."""
        self._learned = learned
        self.welcome: Welcome | None = None
        """Of the connection that is open."""
        self._identity = identity
        self._version = version
        self._settings = settings
        self._types: Mapping[str, Any] = {}
        self._answer: Callable[[Ask], Awaitable[Answer]] | None = None
        self._wake: Callable[[str], None] = lambda kind: None
        self._peer: Peer | None = None
        self._address: str | None = None

    def bind(
        self,
        types: Mapping[str, Any],
        answer: Callable[[Ask], Awaitable[Answer]],
        wake: Callable[[str], None],
    ) -> None:
        """`types`: the kinds of work of this host, and the type of an item of each."""
        self._types, self._answer, self._wake = types, answer, wake

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            self.welcome = None
            try:
                await self._once()
            except _ENDS as error:
                failures = 1 if self.welcome is not None else failures + 1
                told = log.warning if failures in (1, 10) else log.debug
                told("%s: %s", self.url, error)
            self._next_place()
            rounds = max(1, failures // len(self._places))
            # All hosts lose a control plane that restarts at once; they do not come back at once.
            await asyncio.sleep(backoff(rounds, first=0.3, most=20.0) * random.uniform(0.5, 1.0))

    def _next_place(self) -> None:
        known = self.url in self._places
        place = self._places.index(self.url) + 1 if known else 0
        self.url = self._places[place % len(self._places)]

    def _told_of(self, nodes: Sequence[str]) -> None:
        """Where control nodes are now. Where it joined is tried as long as it is a host."""
        good = [each.rstrip("/") for each in nodes if _PLACE.fullmatch(each)][:MOST_PLACES]
        if not good:
            return  # who says so does not know (yet)
        found = list(dict.fromkeys([self._places[0], *good]))
        if found != self._places:
            self._places = found
            self._learned(found[1:])

    async def _once(self) -> None:
        context = self._identity.context()
        async with connect(
            self.url + PATH,
            ssl=context,
            max_size=LONGEST_ANSWER,
            max_queue=4,
            compression=None,
            open_timeout=OPEN_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=2 * PING_SECONDS,
            proxy=None,
            user_agent_header=None,
            logger=logging.getLogger("cumulo.link.wire"),
        ) as wire:
            lines = Lines(self._line, MOST_LINES)
            handlers = {"ask": self._asked, "wake": self._woken, **lines.handlers}
            peer = Peer(wire, handlers, at_once=QUESTIONS)
            running = asyncio.create_task(peer.run())
            try:
                hello = Hello(list(PROTOCOLS), self._version, list(self._types))
                self.welcome = _decode(await peer.call("hello", hello), type=Welcome)
                self._compare(self.welcome.settings)
                self._told_of(self.welcome.nodes)
                self._peer = peer
                self._address = str(wire.local_address[0])
                log.info("connected with the control plane at %s", self.url)
                for kind in self._types:
                    self._wake(kind)  # whatever was rung while nobody heard it
                renewing = asyncio.create_task(self._renew(peer))
                try:
                    await running
                finally:
                    renewing.cancel()
            finally:
                self._peer = None
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError, Nonsense):
                    await running
                await lines.close()
                if wire.close_code == REMOVED:
                    log.error("this machine is no host of the cloud any more; guests go on")
            raise PeerGone(f"the connection has ended ({wire.close_code} {wire.close_reason})")

    def _compare(self, cloud: Mapping[str, Any]) -> None:
        """Nothing works better for a host that stays away: the operator is told."""
        for name, ours in self._settings.items():
            if cloud.get(name, ours) != ours:
                words = "%s is %s here and %s in the cloud: hosts do not reach each other"
                log.error(words, name, ours, cloud[name])

    async def _renew(self, peer: Peer) -> None:
        """A new certificate in good time; used from the next connection on."""
        while True:
            if authority.days_left(self._identity.pair) < authority.RENEW_DAYS:
                request = authority.new_request(self._identity.key)
                try:
                    made = _decode(await peer.call("renew", Renewal(request)), type=bytes)
                    self._identity.keep(made)
                    log.info("the certificate of this host was renewed")
                except (PeerFault, OSError, ValueError, msgspec.MsgspecError) as error:
                    log.warning("the certificate of this host was not renewed: %s", error)
            await asyncio.sleep(RENEW_LOOK)

    # --- what the control plane calls ---------------------------------------------------------

    async def _asked(self, raw: msgspec.Raw) -> Answer:
        if self._answer is None:
            raise PeerFault("this host is just starting")
        return await self._answer(_decode(raw, type=Ask))

    async def _line(self, wish: OpenLine) -> Line:
        if self._answer is None:
            raise PeerFault("this host is just starting")
        answer = await self._answer(wish.ask)
        if answer.refused is not None:
            raise PeerFault(answer.refused)
        return SocketLine(answer.value)

    async def _woken(self, raw: msgspec.Raw) -> None:
        for kind in _decode(raw, type=list[str]):
            self._wake(kind)

    # --- Link ---------------------------------------------------------------------------------

    async def fetch(self, message: Fetch) -> Items:
        found = _decode(await self._call("fetch", message), type=Items)
        kind = self._types[message.kind]
        changed = [
            Item(each.id, each.version, msgspec.convert(each.state, kind)) for each in found.changed
        ]
        return msgspec.structs.replace(found, changed=changed)

    async def report(self, message: Report) -> Taken:
        return _decode(await self._call("report", message), type=Taken)

    async def failed(self, kind: str, generation: int, reason: str) -> None:
        await self._call("failed", Failed(kind, generation, reason))

    async def heartbeat(self) -> None:
        if self._peer is not None:
            # Releases before this one say nothing.
            told = _decode(await self._call("heartbeat", None), type=list[str] | None)
            if told is not None:
                self._told_of(told)

    async def samples(self, samples: Sequence[Sample]) -> None:
        await self._call("samples", Samples(list(samples)))

    # --- Uplink -------------------------------------------------------------------------------

    async def query(self, kind: str, question: str, arguments: Mapping[str, Any]) -> Any:
        try:
            raw = await self._call("query", Query(kind, question, dict(arguments)))
        except (PeerFault, PeerGone) as error:
            raise HostDown(str(error)) from None
        return _decode(raw)

    async def open(self, content: Content) -> Reader:
        """Implements `core.blobs.content.Contents`."""
        try:
            opened = _decode(await self._call("open", Open(content)), type=Opened)
        except PeerFault as error:
            raise OSError(str(error)) from None
        if opened.handle is None:
            raise Missing(content.id)
        return Remote(self._call, opened.handle, opened.size)

    def contents(self) -> "DialledLink":
        return self

    def local_address(self) -> str | None:
        return self._address

    async def _call(self, what: str, body: Any) -> msgspec.Raw:
        if self._peer is None:
            raise PeerGone("the control plane is not connected")
        return await self._peer.call(what, body)


class Remote:
    """An image's bytes, by pieces over the link; another connection's handle is no good."""

    def __init__(
        self, call: Callable[..., Awaitable[msgspec.Raw]], handle: int, size: int | None
    ) -> None:
        self.size = size
        self._call = call
        self._handle = handle

    async def read(self, offset: int, length: int) -> bytes:
        try:
            wish = Piece(self._handle, offset, min(length, BLOCK))
            return _decode(await self._call("piece", wish), type=bytes)
        except PeerFault as error:
            raise OSError(str(error)) from None

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        with contextlib.suppress(PeerFault, PeerGone):
            await self._call("close", Close(self._handle))
