"""Sockets: websockets, bytes both ways, for consoles.

    async def console(call: Call, socket: Socket) -> None:
        target = find(call.query.get("token"))       # a fault here is an HTTP answer
        await socket.accept("binary")
        while (piece := await socket.receive()) is not None:
            await socket.send(…)

    Operation("GET", "/console", console, kind="socket", public=True)

A browser cannot set headers on a socket: an operation that is not public takes the caller's token
from the query (`token`), too. When the client leaves, `receive` gives None, and a handler that does
not end by itself then is cancelled. Servers ping idle clients (`server`), so that one that is gone
without a word is found.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.answers import Answer, refusal_of
from cumulo.core.http.crowd import Crowd
from cumulo.core.http.execution import Execution, Named, fault_of, new_request_id
from cumulo.core.http.front import Front
from cumulo.core.http.operations import Call, Face, Query

log = logging.getLogger("cumulo.http")

SOCKETS = Crowd("sockets", 1000, 50)
LONGEST_SECONDS = 24 * 3600.0
ACCEPT_SECONDS = 30.0
"""For a handler to accept or to refuse."""
GRACE_SECONDS = 2.0
"""For a handler to end by itself when the client is gone."""
WAITING = 32
"""Messages that the handler has not taken yet; then the client has to wait."""
MESSAGE_BYTES = 1024 * 1024
"""Of one message."""

_GONE, _NORMAL, _BROKEN, _AGAIN = 1001, 1000, 1011, 1013

Send = Callable[[Any], Awaitable[None]]


class SocketClosed(ConnectionError):
    """The client is gone."""


class Socket:
    def __init__(self, offered: Sequence[str], receive: Callable[[], Awaitable[Any]], send: Send):
        self.offered = offered
        """The subprotocols that the client speaks."""
        self.accepted = asyncio.Event()
        self._receive = receive
        self._send = send
        self._inbox: asyncio.Queue[bytes | str | None] = asyncio.Queue(WAITING)
        self._closed = False

    async def accept(self, *subprotocols: str) -> str | None:
        """Answer the handshake, with the first of these that the client speaks. Raises BadRequest
        when it speaks others only."""
        chosen = next((name for name in subprotocols if name in self.offered), None)
        if chosen is None and subprotocols and self.offered:
            raise BadRequest(f"The subprotocol must be one of {', '.join(subprotocols)}.")
        await self._out({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
        self.accepted.set()
        return chosen

    async def receive(self) -> bytes | str | None:
        """The next message; None when the client is gone."""
        message = None if self._closed and self._inbox.empty() else await self._inbox.get()
        if message is None:
            self._closed = True
        return message

    async def send(self, message: bytes | str) -> None:
        """Waits while the client is slow. Raises SocketClosed."""
        key = "text" if isinstance(message, str) else "bytes"
        await self._out({"type": "websocket.send", key: message})

    async def close(self, code: int = _NORMAL, reason: str = "") -> None:
        """Say goodbye; nothing when the client is gone."""
        if not self._closed:
            with contextlib.suppress(SocketClosed):
                await self._out({"type": "websocket.close", "code": code, "reason": reason[:100]})
            self._closed = True

    async def _out(self, message: Any) -> None:
        if self._closed:
            raise SocketClosed
        try:
            await self._send(message)
        except OSError:  # so says the ASGI specification, version 2.4
            self._closed = True
            raise SocketClosed from None

    async def pump(self) -> None:
        """Until the client is gone."""
        while True:
            event = await self._receive()
            if event["type"] != "websocket.receive":
                break
            data = event.get("bytes")
            await self._inbox.put(event.get("text") if data is None else data)
        # Whoever waits in `receive` hears of it, whatever is still to be read.
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(None)
        self._closed = True


class Sockets:
    """Serves the websockets of all faces."""

    def __init__(
        self,
        execution: Execution,
        routes: Callable[[str], tuple[Face, Mapping[str, list[Named]], dict[str, str]] | None],
        front: Front,
    ) -> None:
        self._execution = execution
        self._routes = routes
        self._front = front

    async def serve(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        request_id = new_request_id()
        found = self._routes(scope["raw_path"].decode("ascii", "replace"))
        if found is None:
            await send({"type": "websocket.close", "code": _NORMAL})
            return
        face, methods, places = found
        socket = Socket(scope["subprotocols"], receive, send)
        try:
            call = self._call(face, methods, places, scope, request_id)
            with SOCKETS.place(await self._admit(call)):
                await self._run(call, socket)
        except SocketClosed:
            return
        except Exception as error:
            fault = fault_of(error, f"{request_id} socket {scope['path']}")
            if socket.accepted.is_set():
                await socket.close(_BROKEN if fault.status >= 500 else _NORMAL, fault.message)
            else:
                await _refuse(send, face, refusal_of(face, fault, request_id))
        else:
            await socket.close()

    def _call(
        self,
        face: Face,
        methods: Mapping[str, list[Named]],
        places: Mapping[str, str],
        scope: Any,
        request_id: str,
    ) -> Call:
        known = [pair for pair in methods.get("GET", ()) if pair[0].kind == "socket"]
        if not known:
            raise NotFound("The resource could not be found.")
        operation, names = known[0]
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        call = Call(face, operation, request_id)
        call.path = {name: places[f"p{i}"] for i, name in enumerate(names)}
        call.header, call.headers = lambda name: headers.get(name.lower()), lambda: headers
        call.query_string = scope["query_string"].decode("latin-1")
        call.query = Query(parse_qsl(call.query_string, keep_blank_values=True, max_num_fields=100))
        call.raw_path = scope["raw_path"].decode("ascii", "replace")
        peer = scope.get("client") or ("", 0)
        call.address, call.vouched = self._front.read(peer[0], call.header)
        scheme = {"wss": "https", "ws": "http"}[scope["scheme"]]
        call.base_url = f"{scheme}://{headers.get('host', '')}{face.mount}"
        call.url = call.base_url.removesuffix(face.mount) + call.raw_path
        for name in face.authentication.token_headers:
            call.token = call.header(name) or call.query.get("token")
        return call

    async def _admit(self, call: Call) -> str:
        """Whom the place is counted for."""
        if not call.operation.public:
            await self._execution.admit(call)
        who = call.maybe_principal
        return call.address if who is None else who.user_id

    async def _run(self, call: Call, socket: Socket) -> None:
        work = asyncio.ensure_future(call.operation.handler(call, socket))
        pump = asyncio.ensure_future(socket.pump())
        accepted = asyncio.ensure_future(socket.accepted.wait())
        try:
            await asyncio.wait(
                {work, pump, accepted},
                timeout=ACCEPT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if accepted.done() and not work.done():
                await asyncio.wait(
                    {work, pump}, timeout=LONGEST_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            if pump.done() and not work.done():
                await asyncio.wait({work}, timeout=GRACE_SECONDS)
            if work.done():
                work.result()
        finally:
            left = [each for each in (work, pump, accepted) if not each.done()]
            for each in left:
                each.cancel()
            if left:
                await asyncio.wait(left)


async def _refuse(send: Send, face: Face, answer: Answer) -> None:
    """An HTTP answer instead of a socket."""
    headers = {**face.headers, **answer.headers}
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    start = {"type": "websocket.http.response.start", "status": answer.status, "headers": lines}
    with contextlib.suppress(OSError):
        await send(start)
        await send({"type": "websocket.http.response.body", "body": answer.data or b""})
