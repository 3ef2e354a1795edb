"""The control plane's end of the link: where hosts on other machines dial in.

A listener of its own (TLS 1.3, websockets), open only when a host has joined or is expected. Who
shows a host's certificate is that host and no other: it gets the answers of the conductor to that
name. Who shows none may learn the authority's certificate, and join with a token.
"""

import asyncio
import http
import logging
import math
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from cumulo.core.blobs.content import Contents
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.hello import AUTHORITY_PATH, JOIN_PATH, PATH, Join, Joined
from cumulo.core.hosts.machines import Machines
from cumulo.core.hosts.peer import LONGEST, PeerFault
from cumulo.core.hosts.session import HostSession

log = logging.getLogger("cumulo.link")

NODE_PATH, NODE_JOIN_PATH = "/node", "/join-node"
"""Of other control nodes: see `core.nodes`."""
EVERY_PATH = (PATH, JOIN_PATH, NODE_PATH, NODE_JOIN_PATH)
OPEN_SECONDS = 10.0
"""For TLS, the handshake and the first message."""
JOINERS = 8
"""Connections without a certificate at once; more are told to come again."""
JOIN_BYTES = 16 * 1024
LOOK_SECONDS = 5.0
PING_SECONDS = 15.0
PLACES_SECONDS = 30.0
"""For which it is remembered where control nodes are dialled."""


class Others(Protocol):
    """Other control nodes at the gate."""

    async def join(self, raw: bytes) -> bytes: ...
    async def serve(self, connection: ServerConnection, speaker: str) -> None: ...


def _nowhere_else(tx: Tx) -> list[str]:
    """Where there is one control plane, hosts know where."""
    return []


class Gate:
    """One per control plane process. `alike`: the settings that hosts must have as we do."""

    def __init__(
        self,
        conductor: Conductor,
        machines: Machines,
        address: tuple[str, int],
        *,
        version: str,
        contents: Callable[[], Contents | None],
        alike: dict[str, Any],
        others: Others | None = None,
        places: Callable[[Tx], list[str]] = _nowhere_else,
    ) -> None:
        """`places`: where the control nodes are dialled, this one among them."""
        self.address = address
        self.machines = machines
        self._conductor = conductor
        self._version = version
        self._contents = contents
        self._alike = alike
        self._others = others
        self._read_places = places
        self._places: tuple[float, list[str]] = (-math.inf, [])
        self._looking = asyncio.Lock()
        self._joiners = 0
        self._sessions: dict[str, HostSession] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.listening = False

    async def run(self) -> None:
        """Until cancelled."""
        self.machines.on_removed = self._expel
        while True:
            try:
                async with await self._listen() as server:
                    self.listening = True
                    log.info("hosts may dial %s:%d", *self.address)
                    await server.serve_forever()
            except OSError as error:
                log.error("hosts cannot dial %s:%d: %s", *self.address, error)
                await asyncio.sleep(LOOK_SECONDS)
            finally:
                self.listening = False

    async def _listen(self) -> Server:
        host, port = self.address
        server: Server = await serve(
            self._take,
            host,
            port,
            ssl=self.machines.authority.server_context(),
            process_request=self._greet,
            max_size=LONGEST,
            max_queue=4,
            compression=None,
            open_timeout=OPEN_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=2 * PING_SECONDS,
            server_header=None,
            logger=logging.getLogger("cumulo.link.wire"),
        )
        return server

    def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == AUTHORITY_PATH:
            pem = self.machines.authority.pem
            headers = Headers({"Content-Type": "application/x-pem-file"})
            headers["Content-Length"] = str(len(pem))
            headers["Connection"] = "close"
            return Response(200, "OK", headers, pem)
        if request.path in (PATH, NODE_PATH) and _speaker(connection) is None:
            return connection.respond(http.HTTPStatus.FORBIDDEN, "no host's certificate\n")
        if request.path in (JOIN_PATH, NODE_JOIN_PATH) and self._joiners >= JOINERS:
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "come again\n")
        known = (PATH, JOIN_PATH) if self._others is None else EVERY_PATH
        if request.path not in known:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "there is nothing here\n")
        return None

    async def _take(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        if path in (JOIN_PATH, NODE_JOIN_PATH):
            self._joiners += 1
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    raw = await connection.recv()
                    if path == JOIN_PATH or self._others is None:
                        await connection.send(await self._join(raw))
                    elif isinstance(raw, bytes) and len(raw) <= JOIN_BYTES:
                        await connection.send(await self._others.join(raw))
            except TimeoutError:
                log.warning("a machine that was to join said nothing")
            finally:
                self._joiners -= 1
            return
        speaker = _speaker(connection)
        assert speaker is not None, "see _greet"
        name, serial = speaker
        if path == NODE_PATH and self._others is not None:
            await self._others.serve(connection, name)
            return
        host = await self._conductor.database.write(
            lambda tx: self.machines.admit(tx, name, serial), name="a host dials"
        )
        if host is None:
            log.warning("%s is no host (any more), or its certificate is not: refused", name)
            await connection.close(4403, "removed")
            return
        await self._serve(connection, name, serial)

    async def _serve(self, connection: ServerConnection, name: str, serial: str) -> None:
        session = HostSession(
            connection,
            name,
            self._conductor,
            self._contents,
            serial=serial,
            renew=partial(self._renew, serial),
            version=self._version,
            alike=self._alike,
            places=self._where,
        )
        # The newest counts, from here on: the one before may be half dead.
        before, self._sessions[name] = self._sessions.get(name), session
        if before is not None:
            self._end(before, "the host has dialled again")
        try:
            await session.run()
        finally:
            if self._sessions.get(name) is session:
                del self._sessions[name]

    async def _where(self) -> list[str]:
        """As it was at most `PLACES_SECONDS` ago: every heartbeat asks."""
        async with self._looking:
            now = time.monotonic()
            if now - self._places[0] > PLACES_SECONDS:
                found = await self._conductor.database.read(self._read_places)
                self._places = (now, found)
            return self._places[1]

    async def _join(self, raw: str | bytes) -> bytes:
        """The answer to a machine that wants to be a host: `Joined`, or why not, as text."""
        try:
            if isinstance(raw, str) or len(raw) > JOIN_BYTES:
                raise PeerFault("this is no request to join")
            wish = msgspec.msgpack.decode(raw, type=Join)

            def join(tx: Tx) -> Joined:
                _, made = self.machines.join(tx, wish.secret, wish.name, wish.request)
                return Joined(made, self._conductor.registry.cloud_id(tx))

            joined = await self._conductor.database.write(join, name="a host joins")
        except (PeerFault, msgspec.MsgspecError) as error:
            return msgspec.msgpack.encode(str(error))
        except Fault as fault:
            return msgspec.msgpack.encode(fault.message)
        log.info("%s has joined", wish.name)
        return msgspec.msgpack.encode(joined)

    async def _renew(self, serial: str, host_id: str, request: bytes) -> bytes:
        """`serial`: of the certificate that this connection was opened with."""
        try:
            return await self._conductor.database.write(
                lambda tx: self.machines.renew(tx, host_id, serial, request),
                name="another certificate",
            )
        except Fault as fault:
            raise PeerFault(fault.message) from None

    async def look_again(self) -> None:
        """Another control node has removed hosts, or let them join again: what speaks for them here
        does so no more."""
        for name, session in list(self._sessions.items()):
            good = await self._conductor.database.read(
                lambda tx, name=name, session=session: self.machines.is_good(  # type: ignore[misc]
                    tx, name, session.serial
                )
            )
            if not good and self._sessions.get(name) is session:
                self._expel(name)

    def _expel(self, host_id: str) -> None:
        """A host that was removed, or joins again: what speaks for it now does so no more."""
        session = self._sessions.pop(host_id, None)
        if session is not None:
            self._end(session, "the host was removed")

    def _end(self, session: HostSession, reason: str) -> None:
        session.cut()
        task = asyncio.get_running_loop().create_task(session.end(reason))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _speaker(connection: ServerConnection) -> tuple[str, str] | None:
    """Whose certificate was shown, and its serial number. The authority's signature and that it is
    a client's were checked by TLS."""
    found: ssl.SSLObject | None = connection.transport.get_extra_info("ssl_object")
    shown = None if found is None else found.getpeercert()
    if not shown:
        return None
    subject: Any = shown["subject"]
    named = {key: value for part in subject for key, value in part}
    return str(named.get("commonName", "")), str(shown["serialNumber"])
