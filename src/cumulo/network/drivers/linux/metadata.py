"""169.254.169.254: one component of our process answers in every namespace.

A listening socket stays in the namespace it was made in, wherever it is served. The socket tells
the network (or the router's networks) and the peer's address the port, which anti-spoofing makes
trustworthy. What the guest itself says about who it is is not passed on.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Mapping

from cumulo.core.run.namespaces import in_namespace, namespace_path
from cumulo.network.model.metadata import MetadataHandler, MetadataRequest, MetadataResponse
from cumulo.network.model.orders import PortSpec

HEADER_LIMIT = 16 * 1024
HEADER_COUNT = 64
BODY_LIMIT = 64 * 1024
CONNECTIONS = 256
REQUEST_SECONDS = 10.0
ANSWER_SECONDS = 30.0
_METHODS = {"GET", "HEAD", "POST", "PUT"}
_REASONS = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    413: "Content Too Large", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip

log = logging.getLogger(__name__)

Lookup = Callable[[str], PortSpec | None]
"""From a peer's address to the port that has it."""


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class MetadataServer:
    """`handler` answers for a port that is known; without one every request gets 404."""

    def __init__(self, handler: MetadataHandler | None) -> None:
        self._handler = handler
        self._servers: dict[str, tuple[int, asyncio.Server]] = {}
        self._lookups: dict[str, Lookup] = {}
        self._open = 0

    async def serve(self, wanted: Mapping[str, tuple[str, int, Lookup]]) -> dict[str, str]:
        """Listen exactly in these namespaces: name → (address, port, lookup). Faults by name."""
        self._lookups = {name: lookup for name, (_, _, lookup) in wanted.items()}
        self.keep_only(set(wanted))
        faults = {}
        for name, (address, port, _) in wanted.items():
            try:
                await self._listen(name, address, port)
            except OSError as error:
                faults[name] = f"metadata: {error}"
        return faults

    def namespaces(self) -> set[str]:
        """Where it listens."""
        return set(self._servers)

    def keep_only(self, namespaces: set[str]) -> None:
        """Stop listening elsewhere; a listening socket would keep its namespace alive."""
        for name in self._servers.keys() - namespaces:
            self._servers.pop(name)[1].close()
            self._lookups.pop(name, None)

    async def close(self) -> None:
        self.keep_only(set())

    async def _listen(self, name: str, address: str, port: int) -> None:
        inode = os.stat(namespace_path(name)).st_ino  # noqa: PTH116
        known = self._servers.get(name)
        if known is not None and known[0] == inode:
            return
        if known is not None:
            self._servers.pop(name)[1].close()

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._client(name, reader, writer)

        listener = in_namespace(name, _listener, address, port)
        server = await asyncio.start_server(client, sock=listener, limit=HEADER_LIMIT)
        self._servers[name] = (inode, server)

    async def _client(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._open += 1
        try:
            answer, bodiless = await self._exchange(name, reader, writer)
            writer.write(_encode(answer, bodiless))
            async with asyncio.timeout(REQUEST_SECONDS):
                await writer.drain()
                if writer.can_write_eof():
                    writer.write_eof()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # The guest went away; there is nobody to tell.
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[MetadataResponse, bool]:
        bodiless = False
        try:
            if self._open > CONNECTIONS:
                raise _Refused(503)
            async with asyncio.timeout(REQUEST_SECONDS):
                method, path, headers, body = await _read(reader)
            bodiless = method == "HEAD"
            peer = writer.get_extra_info("peername")[0]
            lookup = self._lookups.get(name)
            port = lookup(peer) if lookup is not None else None
            if port is None or self._handler is None:
                raise _Refused(404)
            request = MetadataRequest(
                port.id, port.device_id, port.project_id, peer, method, path, headers, body
            )
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._handler(request), bodiless
        except _Refused as refused:
            return _plain(refused.status), bodiless
        except TimeoutError:
            return _plain(504), bodiless
        except (OSError, asyncio.IncompleteReadError):
            raise
        except Exception:
            log.exception("metadata handler failed")
            return _plain(500), bodiless


def _listener(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(128)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise _Refused(431) from error
    lines = head[:-4].decode("latin-1").split("\r\n")
    if len(lines) > HEADER_COUNT:
        raise _Refused(431)
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith("/"):
        raise _Refused(400)
    if parts[0] not in _METHODS:
        raise _Refused(405)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        key, colon, value = line.partition(":")
        if not colon or not key or key != key.strip():
            raise _Refused(400)
        headers[key.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise _Refused(501)
    body = await _body(reader, headers.get("content-length", "0"))
    return parts[0], parts[1], {k: v for k, v in headers.items() if _passes(k)}, body


async def _body(reader: asyncio.StreamReader, length: str) -> bytes:
    if not (length.isascii() and length.isdigit() and len(length) < 10):
        raise _Refused(400)
    if int(length) > BODY_LIMIT:
        raise _Refused(413)
    return await reader.readexactly(int(length))


def _passes(header: str) -> bool:
    return not header.startswith("x-") or header.startswith("x-aws-ec2-metadata-")


def _plain(status: int) -> MetadataResponse:
    return MetadataResponse(status, body=f"{status} {_REASONS.get(status, '')}\n".encode())


def _encode(answer: MetadataResponse, bodiless: bool) -> bytes:
    kind = answer.content_type.replace("\r", " ").replace("\n", " ")
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(answer.body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1", "replace") + (b"" if bodiless else answer.body)
