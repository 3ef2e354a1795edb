"""What one control node does for another: it asks its hosts, reads its files, answers requests."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from cumulo.core.blobs.content import Contents, Missing
from cumulo.core.blobs.streams import BLOCK, Reader
from cumulo.core.hosts import hello
from cumulo.core.hosts.conductor import Conductor, HostAway, HostDown
from cumulo.core.hosts.lines import Line, Lines, OpenLine
from cumulo.core.hosts.messages import Answer
from cumulo.core.hosts.peer import Nonsense, Peer, PeerFault, Wire, closed
from cumulo.core.nodes.hellos import AskHost, Body, Head, OpenContent, Piece, Request

log = logging.getLogger("cumulo.nodes")

MOST_OPEN = 256
"""Contents and requests of one other node at once, of each."""
IDLE_SECONDS = 60.0
_AT_WORK: set[asyncio.Task[None]] = set()
"""Requests whose clients may have gone."""
_decode = msgspec.msgpack.decode
App = Callable[[Any, Any, Any], Any]


class NodeSession:
    """One connection of another node, which has proved that it is one."""

    def __init__(
        self,
        wire: Wire,
        name: str,
        conductor: Conductor,
        contents: Callable[[], Contents | None],
        app: App | None,
    ) -> None:
        """`app` None: there are no files here, and no requests for them are taken."""
        self.name = name
        self._wire = wire
        self._conductor = conductor
        self._contents = contents
        self._app = app
        self._open: dict[int, Reader] = {}
        self._closed: set[int] = set()
        self._requests: dict[int, _Served] = {}
        self._lines = Lines(self._line, MOST_OPEN)
        self._peer = Peer(
            wire,
            {
                **self._lines.handlers,
                "ask": self._ask,
                "open": self._open_content,
                "piece": self._piece,
                "close": self._close,
                "request": self._request,
                "body": self._body,
                "answer": self._answer,
                "leave": self._leave,
            },
            at_once=4 * MOST_OPEN,
        )

    async def run(self) -> None:
        """Until the connection ends."""
        try:
            await self._peer.run()
        except Nonsense as error:
            log.warning("the node %s speaks nonsense: %s", self.name, error)
        finally:
            for served in self._requests.values():
                served.end()
            await self._lines.close()
            for reader in self._open.values():
                with contextlib.suppress(OSError):
                    await reader.close()

    async def end(self) -> None:
        await closed(self._wire, 4403, "removed")

    @property
    def at_work(self) -> int:
        """Requests that are not answered to their end."""
        return len(self._requests)

    # --- hosts --------------------------------------------------------------------------------

    async def _ask(self, raw: msgspec.Raw) -> Answer:
        wish = _decode(raw, type=AskHost)
        try:
            return await self._conductor.asked_here(wish.host, wish.ask)
        except HostDown as error:
            return Answer(refused=str(error), away=isinstance(error, HostAway))

    async def _line(self, wish: OpenLine) -> Line:
        try:
            return await self._conductor.line_here(wish.host, wish.ask)
        except HostDown as error:
            raise PeerFault(str(error)) from None

    # --- contents -----------------------------------------------------------------------------

    async def _open_content(self, raw: msgspec.Raw) -> hello.Opened:
        wish = _decode(raw, type=OpenContent)
        contents = self._contents()
        if contents is None or len(self._open) >= MOST_OPEN:
            raise PeerFault("no content can be read here now")
        try:
            reader = await contents.open(wish.content)
        except Missing:
            return hello.Opened(None)
        except OSError as error:
            raise PeerFault(str(error)) from None
        if wish.handle in self._closed:
            self._closed.discard(wish.handle)
            await reader.close()
            raise PeerFault("closed before it was open")
        self._open[wish.handle] = reader
        return hello.Opened(wish.handle, reader.size)

    async def _piece(self, raw: msgspec.Raw) -> bytes:
        wish = _decode(raw, type=hello.Piece)
        reader = self._open.get(wish.handle)
        if reader is None:
            raise PeerFault("this is not open")
        try:
            return await reader.read(max(0, wish.offset), max(0, min(wish.length, BLOCK)))
        except OSError as error:
            raise PeerFault(str(error)) from None

    async def _close(self, raw: msgspec.Raw) -> None:
        handle = _decode(raw, type=hello.Close).handle
        reader = self._open.pop(handle, None)
        if reader is not None:
            await reader.close()
        elif len(self._closed) < MOST_OPEN:
            self._closed.add(handle)  # it may be just being opened

    # --- requests -----------------------------------------------------------------------------

    async def _request(self, raw: msgspec.Raw) -> None:
        asked = _decode(raw, type=Request)
        if self._app is None:
            raise PeerFault("the files are not here")
        if len(self._requests) >= MOST_OPEN:
            self._drop_idle()
        if len(self._requests) >= MOST_OPEN:
            raise PeerFault("too many requests at once")
        self._requests[asked.number] = _Served(self._app, asked)

    def _drop_idle(self) -> None:
        """Those that nobody has asked for in a while: a word was lost."""
        old = time.monotonic() - IDLE_SECONDS
        for number in [n for n, served in self._requests.items() if served.asked_at < old]:
            self._requests.pop(number).end()

    async def _body(self, raw: msgspec.Raw) -> bool:
        """False: no more of it is wanted."""
        body = _decode(raw, type=Body)
        served = self._requests.get(body.number)
        return served is not None and await served.take(body.piece, more=body.more)

    async def _answer(self, raw: msgspec.Raw) -> Piece:
        number = _decode(raw, type=int)
        served = self._requests.get(number)
        if served is None:
            raise PeerFault("there is no such request")
        more = False
        try:
            piece = await served.next()
            more = piece.more
            return piece
        finally:
            if not more:
                self._requests.pop(number, served).end()

    async def _leave(self, raw: msgspec.Raw) -> None:
        served = self._requests.pop(_decode(raw, type=int), None)
        if served is not None:
            served.end()


class _Served:
    """A request, answered by this node's own application. It is not cancelled when its client goes:
    the application hears that, as from any client, and comes to its own end."""

    def __init__(self, app: App, asked: Request) -> None:
        self.asked_at = time.monotonic()
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue(2)
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue(2)
        self._left = False
        self._task = asyncio.create_task(self._run(app, _scope(asked)))
        _AT_WORK.add(self._task)
        self._task.add_done_callback(_AT_WORK.discard)

    async def _run(self, app: App, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._incoming.get, self._put)
        except Exception:
            log.exception("%s %s", scope["method"], scope["path"])

    async def _put(self, event: dict[str, Any]) -> None:
        if not self._left:
            await self._outgoing.put(event)

    async def take(self, piece: bytes, *, more: bool) -> bool:
        self.asked_at = time.monotonic()
        putting = asyncio.ensure_future(
            self._incoming.put({"type": "http.request", "body": piece, "more_body": more})
        )
        try:
            await asyncio.wait({putting, self._task}, return_when=asyncio.FIRST_COMPLETED)
            return putting.done()
        finally:
            if not putting.done():
                putting.cancel()

    async def next(self) -> Piece:
        """Raises PeerFault where the answer ends in its middle."""
        self.asked_at = time.monotonic()
        event = await self._event()
        if event is None:
            raise PeerFault("the answer has no end")
        if event["type"] == "http.response.start":
            headers = [(bytes(name), bytes(value)) for name, value in event.get("headers", ())]
            return Piece(Head(event["status"], headers), b"", True)
        return Piece(None, bytes(event.get("body", b"")), bool(event.get("more_body")))

    async def _event(self) -> dict[str, Any] | None:
        getting = asyncio.ensure_future(self._outgoing.get())
        try:
            await asyncio.wait({getting, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done() and not self._outgoing.empty():
                await getting
            return getting.result() if getting.done() else None
        finally:
            if not getting.done():
                getting.cancel()

    def end(self) -> None:
        """Nobody waits for it any more."""
        if self._left:
            return
        self._left = True
        for queue in (self._outgoing, self._incoming):
            while not queue.empty():
                queue.get_nowait()
        self._incoming.put_nowait({"type": "http.disconnect"})


def _scope(asked: Request) -> dict[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers
    ]
    host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": asked.scheme,
        "path": unquote(asked.path),
        "raw_path": asked.path.encode("latin-1"),
        "root_path": "",
        "query_string": asked.query.encode("latin-1"),
        "headers": headers,
        "client": (asked.address, 0),
        "server": (host.rpartition(":")[0] or host, 0),
        "extensions": {},
    }
