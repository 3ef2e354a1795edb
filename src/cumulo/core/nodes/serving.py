"""What one control node does for another: it asks its hosts, reads its files, answers requests."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from cumulo.core.blobs.content import Contents, Missing
from cumulo.core.blobs.streams import BLOCK, Reader
from cumulo.core.hosts import hello
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.hosts.messages import Answer
from cumulo.core.hosts.peer import Nonsense, Peer, PeerFault, Wire
from cumulo.core.nodes.hellos import AskHost, Body, Head, OpenContent, Piece, Request

log = logging.getLogger("cumulo.nodes")

MOST_OPEN = 256
"""Contents and requests of one other node at once, of each."""
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
        app: App,
    ) -> None:
        self.name = name
        self._conductor = conductor
        self._contents = contents
        self._app = app
        self._open: dict[int, Reader] = {}
        self._requests: dict[int, _Served] = {}
        self._numbers = itertools.count(1)
        self._peer = Peer(
            wire,
            {
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
            for reader in self._open.values():
                await reader.close()
            for served in self._requests.values():
                served.end()

    # --- hosts --------------------------------------------------------------------------------

    async def _ask(self, raw: msgspec.Raw) -> Answer:
        wish = _decode(raw, type=AskHost)
        try:
            return await self._conductor.asked_here(wish.host, wish.ask)
        except HostDown as error:
            return Answer(refused=str(error))

    # --- contents -----------------------------------------------------------------------------

    async def _open_content(self, raw: msgspec.Raw) -> hello.Opened:
        wish = _decode(raw, type=OpenContent)
        contents = self._contents()
        if contents is None or len(self._open) >= MOST_OPEN:
            raise PeerFault("no content can be read here now")
        handle = next(self._numbers)
        try:
            reader = await contents.open(wish.content)
        except Missing:
            return hello.Opened(None)
        except OSError as error:
            raise PeerFault(str(error)) from None
        self._open[handle] = reader
        return hello.Opened(handle, reader.size)

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
        reader = self._open.pop(_decode(raw, type=hello.Close).handle, None)
        if reader is not None:
            await reader.close()

    # --- requests -----------------------------------------------------------------------------

    async def _request(self, raw: msgspec.Raw) -> int:
        if len(self._requests) >= MOST_OPEN:
            raise PeerFault("too many requests at once")
        number = next(self._numbers)
        self._requests[number] = _Served(self._app, _decode(raw, type=Request))
        return number

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
        piece = await served.next()
        if not piece.more:
            del self._requests[number]
        return piece

    async def _leave(self, raw: msgspec.Raw) -> None:
        served = self._requests.pop(_decode(raw, type=int), None)
        if served is not None:
            served.end()


class _Served:
    """A request, answered by this node's own application."""

    def __init__(self, app: App, asked: Request) -> None:
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue(2)
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue(2)
        self._ended = False
        self._task = asyncio.create_task(self._run(app, _scope(asked)))

    async def _run(self, app: App, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._incoming.get, self._outgoing.put)
        except Exception:
            log.exception("%s %s", scope["method"], scope["path"])
        finally:
            self._ended = True

    async def take(self, piece: bytes, *, more: bool) -> bool:
        putting = asyncio.ensure_future(
            self._incoming.put({"type": "http.request", "body": piece, "more_body": more})
        )
        await asyncio.wait({putting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if putting.done():
            return True
        putting.cancel()
        return False

    async def next(self) -> Piece:
        """Raises PeerFault where the answer ends in its middle."""
        event = await self._event()
        if event is None:
            raise PeerFault("the answer has no end")
        if event["type"] == "http.response.start":
            headers = [(bytes(name), bytes(value)) for name, value in event.get("headers", ())]
            return Piece(Head(event["status"], headers), b"", True)
        return Piece(None, bytes(event.get("body", b"")), bool(event.get("more_body")))

    async def _event(self) -> dict[str, Any] | None:
        getting = asyncio.ensure_future(self._outgoing.get())
        await asyncio.wait({getting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done() and not self._outgoing.empty():
            await getting
        if getting.done():
            return getting.result()
        getting.cancel()
        return None

    def end(self) -> None:
        """The client has gone."""
        with contextlib.suppress(asyncio.QueueFull):
            self._incoming.put_nowait({"type": "http.disconnect"})
        self._task.cancel()


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
