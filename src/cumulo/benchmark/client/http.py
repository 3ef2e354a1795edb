"""HTTP/1.1 on asyncio with kept connections: as thin as it gets, since it generates the load.

One connection carries one request at a time; idle ones wait in a pool for each origin, the last
used first. httptools does the grammar. A kept connection that the server closed is not an error of
the cloud: what has not been answered at all is sent once more, if doing it twice does no harm.
"""

import asyncio
import errno
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import IO, Any, cast
from urllib.parse import quote, urlsplit

import httptools

TIMEOUT = 180.0
TRANSFER_ROUNDS = 100
"""Timeouts that a transfer may take in all."""
BODY_BYTES = 512 * 1024 * 1024
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})

Body = bytes | AsyncIterator[bytes] | None


class HttpError(Exception):
    """No answer: the connection or the protocol failed; the text says how."""


class Answer:
    """Status, headers (lower case) and body of one response."""

    __slots__ = ("body", "headers", "size", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes, size: int) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.size = size
        """Bytes of the body, also if they were thrown away."""


class _Closed(Exception):
    """The connection ended before anything of the answer came."""


class _Connection(asyncio.Protocol):
    """One connection. It is its parser's callbacks, too."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._parser: Any = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.usable = False
        self._moved = False
        self._unsent = 0
        self._reset(head=False, keep=True)

    def _reset(self, *, head: bool, keep: bool, to: IO[bytes] | None = None) -> None:
        self._to = to
        self._head = head
        self._keep = keep
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._size = 0
        self._status = 0
        self._answered = False

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do all that asyncio.Transport does without being of its kind.
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        self._answered = self._moved = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, AttributeError) as error:
            self._fail(HttpError(f"what the server sent is no HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._writable.set()
        if self._waiter is None or self._waiter.done():
            return
        if self._status and self._until_closed():
            self._finish()
        elif self._answered:
            self._fail(HttpError("the server closed the connection in mid-answer"))
        else:
            self._fail(_Closed(str(exc or "the server closed the connection")))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # the parser's side

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._head and self._status >= 200:
            self._finish()

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._to is not None:
            self._to.write(body)
        elif self._keep:
            self._chunks.append(body)
        if self._size > BODY_BYTES and self._keep and self._to is None:
            self._fail(HttpError(f"an answer of more than {BODY_BYTES} bytes"))

    def on_message_complete(self) -> None:
        if self._status >= 200:
            self._finish()

    def _until_closed(self) -> bool:
        named = self._headers
        return "content-length" not in named and "transfer-encoding" not in named

    def _finish(self) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if not self._parser.should_keep_alive():
            self.usable = False
        body = b"".join(self._chunks)
        waiter.set_result(Answer(self._status, self._headers, body, self._size))

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    # the caller's side

    def watch(self, timeout: float, rounds: int = TRANSFER_ROUNDS) -> Callable[[], None]:
        """Fail when `timeout` seconds go by in which nothing comes and nothing leaves: a long
        transfer is none, unless it takes so many rounds of that. What ends the watch."""
        self._moved, self._unsent = False, 0
        self._timer = self._loop.call_later(timeout, self._look, timeout, rounds)
        return lambda: self._timer.cancel()

    def _look(self, timeout: float, rounds: int) -> None:
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        moved = self._moved or unsent < self._unsent
        self._moved, self._unsent = False, unsent
        if not moved or rounds <= 1:
            self._fail(HttpError(f"no answer within {timeout:g} s"))
            return
        self._timer = self._loop.call_later(timeout, self._look, timeout, rounds - 1)

    async def exchange(
        self, head: bytes, body: Body, *, is_head: bool, keep: bool, to: IO[bytes] | None
    ) -> Answer:
        """Send one request and wait for its answer."""
        assert self._transport is not None
        self._reset(head=is_head, keep=keep, to=to)
        self._parser = httptools.HttpResponseParser(self)
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        self._waiter = waiter
        if body is None or isinstance(body, bytes):
            self._transport.write(head + body if body else head)
            return await waiter
        self._transport.write(head)
        async for piece in body:
            if waiter.done():
                # It is still owed the rest: what came next would be taken for that.
                self.usable = False
                break
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await self._writable.wait()
            self._moved = True
        else:
            self._transport.write(b"0\r\n\r\n")
        return await waiter

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.abort()


_AFTER_HOST = re.compile(r"[/?#]")
# Blanks and what is no ASCII are escaped; line breaks are refused where the request is made.
_UNSAFE = re.compile(r"[^!-~\r\n]")
_SAFE = "!#$%&'()*+,/:;=?@[]~\r\n"


class Http:
    """Connections to any number of servers. Must be made and used on one loop."""

    def __init__(
        self,
        *,
        verify: bool = True,
        ca_file: str | None = None,
        certificate: tuple[str, str | None] | None = None,
    ) -> None:
        """`certificate`: files with what we show of ourselves, and its key where that is not in
        the same file."""
        self._certificate = certificate
        self._idle: dict[tuple[str, str, int], list[_Connection]] = {}
        self._origins: dict[str, tuple[tuple[str, str, int], str, str]] = {}
        self._verify = verify
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self.requests = 0
        """How many were sent, so far."""

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body = None,
        *,
        keep: bool = True,
        timeout: float = TIMEOUT,
        to: IO[bytes] | None = None,
    ) -> Answer:
        """One request. `keep=False` counts the answer's body and throws it away, `to` is a file
        that it goes to, whatever its size.

        Raises HttpError, also when nothing comes or goes for `timeout` seconds.
        """
        origin, authority, path = self._split(url)
        lines = [f"{method} {path} HTTP/1.1\r\nHost: {authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if isinstance(body, bytes):
            lines.append(f"Content-Length: {len(body)}")
        elif body is not None:
            lines.append("Transfer-Encoding: chunked")
        elif method in ("POST", "PUT", "PATCH"):
            lines.append("Content-Length: 0")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        if head.count(b"\r\n") != len(lines) + 2:
            raise HttpError("a line break in a header or path")
        self.requests += 1
        loop = asyncio.get_running_loop()
        while True:
            connection, fresh = await self._connection(loop, origin, timeout)
            settle = connection.watch(timeout)
            try:
                answer = await connection.exchange(
                    head, body, is_head=method == "HEAD", keep=keep, to=to
                )
            except _Closed as error:
                if not fresh and method in REPEATABLE and (body is None or isinstance(body, bytes)):
                    continue
                raise HttpError(str(error)) from None
            except BaseException:
                connection.close()
                raise
            finally:
                settle()
            if connection.usable:
                self._idle[origin].append(connection)
            else:
                connection.close()
            return answer

    def _split(self, url: str) -> tuple[tuple[str, str, int], str, str]:
        """The origin, the Host header and the path of a URL; origins are taken apart once."""
        found = _AFTER_HOST.search(url, 8)
        base, path = (url, "/") if found is None else (url[: found.start()], url[found.start() :])
        if "#" in path:
            path = path.partition("#")[0]
        if not path.startswith("/"):
            path = f"/{path}"
        if _UNSAFE.search(path):
            path = quote(path, safe=_SAFE)
        known = self._origins.get(base)
        if known is None:
            try:
                parts = urlsplit(base)
            except ValueError as error:
                raise HttpError(f"not a URL: {url:.200}: {error}") from None
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise HttpError(f"not an http or https URL: {url:.200}")
            try:
                port = parts.port or {"http": 80, "https": 443}[parts.scheme]
            except ValueError:
                raise HttpError(f"not a port in {url:.200}") from None
            known = ((parts.scheme, parts.hostname, port), parts.netloc.rpartition("@")[2], "")
            self._origins[base] = known
            self._idle.setdefault(known[0], [])
        return known[0], known[1], path

    async def _connection(
        self, loop: asyncio.AbstractEventLoop, origin: tuple[str, str, int], timeout: float
    ) -> tuple[_Connection, bool]:
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection, False
        scheme, host, port = origin
        tls = self._context() if scheme == "https" else None
        try:
            async with asyncio.timeout(timeout):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop),
                    host,
                    port,
                    ssl=tls,
                    server_hostname=host if tls else None,
                )
        except TimeoutError:
            raise HttpError(f"{host}:{port} does not answer within {timeout:g} s") from None
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                words = "this machine, not the cloud: too many open files (ulimit -n)"
                raise HttpError(words) from None
            raise HttpError(f"no connection to {host}:{port}: {error}") from None
        return connection, True

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            try:
                self._tls = ssl.create_default_context(cafile=self._ca_file)
            except OSError as error:
                raise HttpError(f"no certificates in {self._ca_file}: {error}") from None
            if self._certificate is not None:
                self._show(self._tls, *self._certificate)
            if not self._verify:
                self._tls.check_hostname = False
                self._tls.verify_mode = ssl.CERT_NONE
        return self._tls

    def _show(self, tls: ssl.SSLContext, certificate: str, key: str | None) -> None:
        def password() -> str:
            # Otherwise it would be asked for at the terminal, in the middle of a load.
            raise HttpError(f"the key of {certificate} has a password")

        try:
            tls.load_cert_chain(certificate, key, password)
        except OSError as error:
            self._tls = None
            raise HttpError(f"no certificate of ours in {certificate}: {error}") from None

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
            connections.clear()
