"""A small HTTP/1.1 client on asyncio: one request, one connection, bodies streamed both ways.

It goes to addresses that the caller has resolved and checked (see `guard`), so what was checked is
what is connected to; the name is only used for TLS and the Host header. h11 does the grammar.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import h11

READ = 256 * 1024
HEADER_BYTES = 64 * 1024
BODY_TEXT = 1024 * 1024
"""The most that `text` reads: error messages and small documents."""


class RequestFailed(Exception):
    """No whole answer: the name, the connection or the protocol failed; the text says how."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `path` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Raises ValueError for what is no http or https URL, or has a user in it."""
    parts = urlsplit(url)  # raises ValueError itself for some
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http or https URL: {url!r:.200}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with a user name is not accepted")
    if any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise ValueError("a URL has no spaces or control characters")
    scheme = parts.scheme.lower()
    port = parts.port if parts.port is not None else {"http": 80, "https": 443}[scheme]
    if not 0 < port < 65536:
        raise ValueError(f"not a port: {port}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        host = parts.hostname
        host = host if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"not a host name: {parts.hostname!r:.200}") from None
    # What is not ASCII is sent escaped; what is escaped stays as it is.
    return Target(scheme, host, port, quote(path, safe="/%:@!$&'()*+,;=~?-._[]"))


class Response:
    """Status and headers (names in lower case); the body is read once, by `blocks` or `text`."""

    def __init__(self, connection: "_Connection", status: int, headers: dict[str, str]) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body in pieces. Raises RequestFailed when it ends early."""
        while piece := await self._connection.piece():
            yield piece

    async def text(self) -> bytes:
        """A short body, cut at BODY_TEXT."""
        found = bytearray()
        async for piece in self.blocks():
            found += piece
            if len(found) > BODY_TEXT:
                break
        return bytes(found[:BODY_TEXT])

    async def close(self) -> None:
        await self._connection.close()

    async def __aenter__(self) -> "Response":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_BYTES)

    async def send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            async with asyncio.timeout(self._patience):
                await self._writer.drain()

    async def event(self) -> h11.Event | type[h11.PAUSED]:
        """The next event of the answer."""
        while True:
            try:
                found = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise RequestFailed(f"the answer makes no sense: {error}") from None
            if found is not h11.NEED_DATA:
                assert not isinstance(found, type) or found is h11.PAUSED
                return found
            try:
                async with asyncio.timeout(self._patience):
                    data = await self._reader.read(READ)
            except TimeoutError:
                raise RequestFailed(f"no answer within {self._patience:g} s") from None
            except OSError as error:
                raise RequestFailed(f"the connection broke: {error}") from None
            self._http.receive_data(data)

    async def head(self) -> tuple[int, dict[str, str]]:
        while True:
            event = await self.event()
            if isinstance(event, h11.Response):
                headers: dict[str, str] = {}
                for name, value in event.headers:
                    headers[name.decode("latin-1").lower()] = value.decode("latin-1")
                return event.status_code, headers
            if not isinstance(event, h11.InformationalResponse):
                raise RequestFailed("the connection was closed before an answer")

    async def piece(self) -> bytes:
        event = await self.event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            return b""
        raise RequestFailed("the answer ended early")

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(2.0):
                await self._writer.wait_closed()


Body = bytes | AsyncIterator[bytes] | None


async def request(
    method: str,
    target: Target,
    addresses: Sequence[str],
    *,
    headers: Mapping[str, str] | None = None,
    body: Body = None,
    patience: float = 60.0,
    verify: ssl.SSLContext | None = None,
    connected: socket.socket | None = None,
) -> Response:
    """Send a request to the first of the addresses that answers; the answer's head.

    A stream is sent in chunks unless the headers name its length. `patience`: seconds that
    nothing may come. `connected`: a connection that is there already, from another network
    namespace say. Raises RequestFailed.
    """
    if connected is not None:
        connection = await _use(target, connected, patience, verify)
    else:
        connection = await _connect(target, addresses, patience, verify)
    try:
        await _send(connection, method, target, dict(headers or {}), body)
        status, found = await connection.head()
    except (OSError, TimeoutError, h11.LocalProtocolError) as error:
        await connection.close()
        raise RequestFailed(f"{target.authority}: {error or 'no answer in time'}") from None
    except BaseException:
        await connection.close()
        raise
    return Response(connection, status, found)


async def _send(
    connection: _Connection, method: str, target: Target, headers: dict[str, str], body: Body
) -> None:
    named = {name.lower() for name in headers}
    pairs = [("Host", target.authority), ("Connection", "close"), *headers.items()]
    if isinstance(body, bytes):
        pairs.append(("Content-Length", str(len(body))))
    elif body is not None and "content-length" not in named:
        pairs.append(("Transfer-Encoding", "chunked"))
    # Values may be bytes that are no ASCII, as Latin-1 text.
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    await connection.send(h11.Request(method=method, target=target.path, headers=raw))
    if isinstance(body, bytes):
        if body:
            await connection.send(h11.Data(data=body))
    elif body is not None:
        async for piece in body:
            if piece:
                await connection.send(h11.Data(data=piece))
    await connection.send(h11.EndOfMessage())


async def _use(
    target: Target, made: socket.socket, patience: float, verify: ssl.SSLContext | None
) -> _Connection:
    tls = (verify or ssl.create_default_context()) if target.scheme == "https" else None
    try:
        async with asyncio.timeout(min(patience, 10.0)):
            reader, writer = await asyncio.open_connection(
                sock=made,
                ssl=tls,
                server_hostname=target.host if tls is not None else None,
                limit=2 * READ,
            )
    except (OSError, TimeoutError) as error:
        made.close()
        reason = str(error) or "no handshake in time"
        raise RequestFailed(f"cannot connect to {target.authority}: {reason}") from None
    return _Connection(reader, writer, patience)


async def _connect(
    target: Target, addresses: Sequence[str], patience: float, verify: ssl.SSLContext | None
) -> _Connection:
    tls = (verify or ssl.create_default_context()) if target.scheme == "https" else None
    reason = "no address"
    for address in addresses:
        try:
            async with asyncio.timeout(min(patience, 10.0)):
                reader, writer = await asyncio.open_connection(
                    address,
                    target.port,
                    ssl=tls,
                    server_hostname=target.host if tls is not None else None,
                    limit=2 * READ,
                )
            return _Connection(reader, writer, patience)
        except (OSError, TimeoutError) as error:
            reason = str(error) or "no connection in time"
    raise RequestFailed(f"cannot connect to {target.authority}: {reason}")
