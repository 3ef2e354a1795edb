"""The HTTP server: uvicorn, embedded in our own event loop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from cumulo.core.http import protocol
from cumulo.core.http.front import Front
from cumulo.core.http.protocol import Connections, Limits
from cumulo.core.http.sockets import MESSAGE_BYTES
from cumulo.core.http.zero_copy import sending_files


class EmbeddedServer(uvicorn.Server):
    """uvicorn without its signal handling: the process's own main function has that."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.accepting.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind before anything else is started, so that a taken port is a clear error at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    made.set_inheritable(False)
    return made


def _websocket(released: Callable[[], None], **made: Any) -> Any:
    """The protocol of a connection that becomes a websocket; imported when the first one comes.
    `released` is called when it is over: it counts as a connection until then."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class Protocol(WebSocketsSansIOProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            released()
            super().connection_lost(exc)

    return Protocol(**made)


class HttpServer:
    """`front`: the web servers whose connections are not counted by address."""

    def __init__(
        self,
        application: Any,
        bound: socket.socket,
        *,
        front: Front | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.connections = Connections(limits or Limits(), (front or Front()).trusts)
        config = uvicorn.Config(
            sending_files(application),
            http=protocol.bound(self.connections),
            ws=_websocket,  # type: ignore[arg-type]
            ws_max_size=MESSAGE_BYTES,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            ws_per_message_deflate=False,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            backlog=1024,
        )
        # It would write the addresses of sockets into the log, with the tokens in them.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._server = EmbeddedServer(config)
        self._bound = bound

    async def run(self) -> None:
        """Until `stop` is called."""
        await self._server.serve(sockets=[self._bound])

    async def started(self) -> None:
        """Until connections are accepted."""
        await self._server.accepting.wait()

    def stop(self) -> None:
        self._server.should_exit = True
