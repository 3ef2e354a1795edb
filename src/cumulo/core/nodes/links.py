"""A node's connections to the other control nodes: dialled when there is something to ask.

A node shows a certificate that it has made itself, with the cloud's authority, which every control
node has; it names the node, and counts as long as its row is there.
"""

import asyncio
import contextlib
import itertools
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.streams import Reader
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Unavailable
from cumulo.core.hosts import authority
from cumulo.core.hosts.conductor import HostDown
from cumulo.core.hosts.dial import Remote
from cumulo.core.hosts.hello import Close, Opened
from cumulo.core.hosts.lines import Line, OpenLine, opened
from cumulo.core.hosts.messages import Answer, Ask
from cumulo.core.hosts.peer import LONG_SECONDS, LONGEST_ANSWER, Nonsense, Peer, PeerFault, PeerGone
from cumulo.core.http.operations import Call, Reply
from cumulo.core.nodes import queries
from cumulo.core.nodes.hellos import (
    PATH,
    SPEAKER,
    AskHost,
    Body,
    Head,
    OpenContent,
    Piece,
    Request,
)
from cumulo.core.nodes.leases import is_alive
from cumulo.core.nodes.me import Me
from cumulo.core.nodes.model import NodeRow

log = logging.getLogger("cumulo.nodes")

OPEN_SECONDS = 5.0
PAIR = "node.pem"
HOP = frozenset(
    ("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect")
)
"""Headers of one connection."""
EMPTY = (204, 304)
"""Whose answers have no body."""
_decode = msgspec.msgpack.decode


class NodeLinks:
    """Implements `core.hosts.conductor.Elsewhere`, and `Contents` of the node that has them."""

    def __init__(
        self, database: Database, me: Me, secrets_dir: Path, authority_of: Callable[[], Any]
    ) -> None:
        self._database = database
        self._me = me
        self._secrets_dir = secrets_dir
        self._authority_of = authority_of
        self._peers: dict[str, tuple[Peer, asyncio.Task[None]]] = {}
        self._dialling: dict[str, asyncio.Lock] = {}
        self._context: ssl.SSLContext | None = None
        self._numbers = itertools.count(1)

    # --- hosts --------------------------------------------------------------------------------

    async def ask(self, node_id: str, host_id: str, ask: Ask) -> Answer:
        row = await self._database.read(lambda tx: tx.get(NodeRow, node_id))
        if row is None:
            return Answer(refused=f"host {host_id} is not connected", away=True)
        try:
            peer = await self._peer(row)
            raw = await peer.call("ask", AskHost(host_id, ask), seconds=LONG_SECONDS)
        except (OSError, PeerFault) as error:
            words = f"host {host_id} (by the control node {row.name}): {error}"
            return Answer(refused=words, away=isinstance(error, PeerGone))
        return _decode(raw, type=Answer)

    async def line(self, node_id: str, host_id: str, ask: Ask) -> Line:
        row = await self._database.read(lambda tx: tx.get(NodeRow, node_id))
        if row is None:
            raise HostDown(f"host {host_id} is not connected")
        try:
            peer = await self._peer(row)
            return await opened(peer, OpenLine(next(self._numbers), ask, host_id))
        except (OSError, PeerFault) as error:
            words = f"host {host_id} (by the control node {row.name}): {error}"
            raise HostDown(words) from None

    # --- contents -----------------------------------------------------------------------------

    async def open(self, content: Content) -> Reader:
        """Implements `core.blobs.content.Contents`."""
        peer, handle = await self._peer(await self._keeper()), next(self._numbers)
        try:
            opened = _decode(await peer.call("open", OpenContent(handle, content)), type=Opened)
        except BaseException as error:
            await _told(peer, "close", Close(handle))
            if isinstance(error, PeerFault):
                raise OSError(str(error)) from None
            raise
        if opened.handle is None:
            raise Missing(content.id)
        return Remote(peer.call, handle, opened.size)

    # --- requests -----------------------------------------------------------------------------

    async def forward(self, call: Call) -> Reply:
        """The answer of the node that has the files, which proves by itself who asks."""
        if call.inside:
            raise Unavailable(
                "The files of this are kept by another control node: ask there, by HTTP."
            )
        try:
            keeper = await self._keeper()
            if keeper.draining:
                raise PeerGone("it is about to end")
            forwarded = _Forwarded(await self._peer(keeper), next(self._numbers))
            head = await forwarded.begin(call)
        except (OSError, PeerFault) as error:
            raise Unavailable(
                f"The control node that has this: {error}", headers={"Retry-After": "2"}
            ) from None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        kind = next((headers.pop(n) for n in list(headers) if n.lower() == "content-type"), None)
        return Reply(
            head.status,
            None,
            {name: value for name, value in headers.items() if name.lower() not in HOP},
            stream=forwarded,
            content_type=kind,
        )

    # --- connections --------------------------------------------------------------------------

    async def _keeper(self) -> NodeRow:
        """The node that has the files. Raises PeerGone."""

        def read(tx: Tx) -> NodeRow | None:
            now = float(tx.value(queries.NOW))
            found = [row for row in tx.all(queries.NODES) if row.content and is_alive(row, now)]
            return found[0] if found else None

        row = await self._database.read(read)
        if row is None:
            raise PeerGone("the control node that has the files does not answer")
        return row

    async def _peer(self, row: NodeRow) -> Peer:
        """Raises OSError."""
        if not row.url:
            raise PeerGone(f"the control node {row.name} was never started")
        async with self._dialling.setdefault(row.id, asyncio.Lock()):
            known = self._peers.get(row.id)
            if known is not None and not known[1].done():
                return known[0]
            ready: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._connected(row, ready))
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    peer = await asyncio.shield(ready)
            except TimeoutError:
                task.cancel()
                raise PeerGone(f"the control node {row.name} does not answer") from None
            except asyncio.CancelledError:
                task.cancel()
                raise
            self._peers[row.id] = (peer, task)
            return peer

    async def _connected(self, row: NodeRow, ready: "asyncio.Future[Peer]") -> None:
        try:
            async with connect(
                row.url + PATH,
                ssl=self._tls(),
                max_size=LONGEST_ANSWER,
                max_queue=16,
                compression=None,
                open_timeout=OPEN_SECONDS,
                ping_interval=5.0,
                ping_timeout=10.0,
                proxy=None,
                user_agent_header=None,
                logger=logging.getLogger("cumulo.link.wire"),
            ) as wire:
                peer = Peer(wire, {})
                if not ready.done():
                    ready.set_result(peer)
                await peer.run()
        except (OSError, InvalidHandshake, Nonsense) as error:
            log.info("the control node %s at %s: %s", row.name, row.url, error)
            if not ready.done():
                ready.set_exception(PeerGone(f"the control node {row.name}: {error}"))

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            made = self._authority_of()
            pair = self._secrets_dir / PAIR
            made.make_node_pair(SPEAKER + self._me.id, pair)
            self._context = authority.client_context(made.path, pair)
        return self._context


def _request(number: int, call: Call) -> Request:
    # That a body comes without a length is part of the request.
    kept = HOP - {"transfer-encoding"}
    headers = [(n, v) for n, v in call.headers().items() if n.lower() not in kept]
    scheme = call.base_url.partition("://")[0] or "http"
    return Request(
        number,
        call.operation.method,
        call.raw_path,
        call.query_string,
        headers,
        scheme,
        call.address,
    )


class _Forwarded:
    """A request that another node answers: the pieces of its answer. However it ends, and whether
    or not anybody reads it, the other node is told when nobody waits for it any more."""

    def __init__(self, peer: Peer, number: int) -> None:
        self._peer = peer
        self._number = number
        self._sending: asyncio.Task[None] | None = None
        self._ended = False

    async def begin(self, call: Call) -> Head:
        """The answer's head. Raises OSError, PeerFault."""
        try:
            await self._peer.call("request", _request(self._number, call))
            self._sending = asyncio.create_task(self._send(call.stream))
            first = await self._next()
            if first.head is None:
                raise PeerFault("the answer has no head")
            if call.operation.method == "HEAD" or first.head.status in EMPTY:
                # Nobody will read it.
                while not self._ended:
                    await self._next()
            return first.head
        except BaseException:
            await self.aclose()
            raise

    async def _send(self, stream: AsyncIterator[bytes] | None) -> None:
        """The request's body; whoever answers without having read it is not sent the rest. A
        client that goes in its middle ends the request."""
        try:
            if stream is not None:
                async for piece in stream:
                    body = Body(self._number, piece, True)
                    if not _decode(await self._peer.call("body", body), type=bool):
                        return
            await self._peer.call("body", Body(self._number, b"", False))
        except Exception as error:  # the answer says what became of it
            log.info("a request's body was not handed on: %s", error)
            await _told(self._peer, "leave", self._number)

    async def _next(self) -> Piece:
        raw = await self._peer.call("answer", self._number, seconds=LONG_SECONDS)
        piece = _decode(raw, type=Piece)
        self._ended = not piece.more
        if self._ended and self._sending is not None:
            self._sending.cancel()
        return piece

    def __aiter__(self) -> "_Forwarded":
        return self

    async def __anext__(self) -> bytes:
        while not self._ended:
            piece = await self._next()
            if piece.data:
                return piece.data
        raise StopAsyncIteration

    async def aclose(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        if not self._ended:
            self._ended = True
            await _told(self._peer, "leave", self._number)


async def _told(peer: Peer, what: str, body: Any) -> None:
    """Also by whoever was cancelled; a connection that has ended needs no word."""
    with contextlib.suppress(OSError, PeerFault):
        await asyncio.shield(peer.tell(what, body))
