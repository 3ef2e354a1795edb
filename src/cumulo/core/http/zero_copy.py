"""Files sent by the kernel: from the page cache to the socket, without passing through us.

A handler whose server can do it (`call.sends_files`) puts a `FileRange` into its stream instead of
bytes. Falcon hands it on like bytes; the wrapper around uvicorn's `send` recognises it and calls
sendfile(2) in a thread, as long as the socket takes more. Waiting for the socket happens on the
loop, so a slow client holds no thread.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from cumulo.core.work import pools
from cumulo.core.work.ending import to_its_end

EXTENSION = "cumulo.sendfile"
"""The key in an ASGI scope's extensions that says that this server can do it."""
STEP = 64 * 1024 * 1024
"""Bytes at most in one go of a thread."""

App = Callable[[Any, Any, Any], Awaitable[None]]


class FileRange(bytes):
    """No bytes by itself; stands for `length` bytes of an open file from `offset`."""

    descriptor: int
    offset: int
    length: int

    @classmethod
    def of(cls, descriptor: int, offset: int, length: int) -> "FileRange":
        made = cls()
        made.descriptor, made.offset, made.length = descriptor, offset, length
        return made


def sending_files(app: App) -> App:
    """Wrap an application for uvicorn: `send` understands FileRange where the connection is a
    plain socket."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        cycle = getattr(send, "__self__", None)
        transport = getattr(cycle, "transport", None)
        if scope["type"] != "http" or transport is None or _is_tls(transport):
            await app(scope, receive, send)
            return

        async def sending(message: Any) -> None:
            body = message.get("body")
            if isinstance(body, FileRange):
                await _send_file(cycle, body)
            else:
                await send(message)

        scope.setdefault("extensions", {})[EXTENSION] = {}
        await app(scope, receive, sending)

    return wrapped


def _is_tls(transport: Any) -> bool:
    return transport.get_extra_info("sslcontext") is not None


async def _send_file(cycle: Any, wanted: FileRange) -> None:
    """The range to the client, after all that was written before it. A client that goes away
    ends it silently, as it does for bytes."""
    if cycle.chunked_encoding or wanted.length > cycle.expected_content_length:
        raise RuntimeError("a file can only be sent with its Content-Length")
    cycle.expected_content_length -= wanted.length
    if cycle.scope["method"] == "HEAD":
        return
    # The headers, mostly; uvicorn tells only when a buffer of 64 KiB is half empty.
    while cycle.transport.get_write_buffer_size() and not cycle.disconnected:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    if cycle.disconnected:
        return
    # Our own descriptor of the socket: the transport's may be closed under a thread, and given
    # to somebody else.
    socket = os.dup(cycle.transport.get_extra_info("socket").fileno())
    offset, end = wanted.offset, wanted.offset + wanted.length
    try:
        while offset < end and not cycle.disconnected:
            offset += await _in_thread(_push, socket, wanted.descriptor, offset, end)
            if offset < end:
                await _writable(socket)
    except (BrokenPipeError, ConnectionError):
        cycle.transport.abort()
    except EOFError:
        # Too late for another status: the client sees that bytes are missing.
        cycle.transport.abort()
    finally:
        os.close(socket)


async def _in_thread(push: Callable[..., int], *arguments: int) -> int:
    """Whoever is cancelled meanwhile waits for the thread: it has the descriptors."""
    return await to_its_end(pools.DISK(push, *arguments))


def _push(socket: int, file: int, offset: int, end: int) -> int:
    """As much as the socket takes now."""
    start = offset
    while offset < end and offset - start < STEP:
        try:
            sent = os.sendfile(socket, file, offset, min(end - offset, STEP))
        except BlockingIOError:
            break
        if sent == 0:
            raise EOFError
        offset += sent
    return offset - start


async def _writable(socket: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(socket, ready.set)
    try:
        async with asyncio.timeout(300.0):
            await ready.wait()
    except TimeoutError:
        raise ConnectionError("the client takes nothing") from None
    finally:
        loop.remove_writer(socket)
