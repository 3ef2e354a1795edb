"""A request's connection: a client that leaves, or takes nothing any more, ends its work.

Streams, feeds and sockets are watched: when the client closes the connection, the task that answers
it is cancelled, wherever it waits. What a transaction has committed stays, what a thread does comes
to its own end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

KEY = "cumulo.connection"
"""In an ASGI scope."""
TAKE_SECONDS = 300.0
"""For which a client may leave what it was sent untaken."""
LOOK_SECONDS = 10.0


class Connection:
    """Stands between the server and whoever receives a request's events."""

    __slots__ = ("_ended", "_receive", "_task", "_untaken_since", "_watcher", "gone")

    def __init__(self, receive: Callable[[], Awaitable[Any]]) -> None:
        self._receive = receive
        self.gone = False
        """The client has closed it."""
        self._watcher: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._untaken_since: float | None = None
        self._ended = False

    async def receive(self) -> Any:
        event = await self._receive()
        if event["type"] == "http.disconnect":
            self.gone = True
        return event

    def watch(self) -> None:
        """From now on nothing more is to be received; the task at work ends with the client."""
        if self._watcher is None:
            self._task = asyncio.current_task()
            self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        receiving = asyncio.ensure_future(self._receive())
        try:
            while True:
                done, _ = await asyncio.wait({receiving}, timeout=LOOK_SECONDS)
                if done:
                    if receiving.result()["type"] == "http.disconnect":
                        break
                    receiving = asyncio.ensure_future(self._receive())
                elif (
                    self._untaken_since is not None
                    and loop.time() - self._untaken_since > TAKE_SECONDS
                ):
                    break
        finally:
            receiving.cancel()
        self.gone = self._ended = True
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        """The request is over."""
        if self._watcher is not None:
            self._watcher.cancel()

    def was_left(self) -> bool:
        """The task was cancelled since the client is gone: nothing is wrong with it."""
        return self._ended and self._task is not None and self._task.uncancel() == 0

    def taken(self) -> None:
        """The client has taken what was sent."""
        self._untaken_since = None

    def sent(self) -> None:
        self._untaken_since = asyncio.get_running_loop().time()


class Download:
    """A stream on its way to a client; Falcon closes it at the end, however it comes."""

    def __init__(
        self, stream: AsyncIterator[bytes], connection: Connection, source: Any = None
    ) -> None:
        """`source`: what the stream is made of. A generator that was never begun does not close
        it."""
        self._stream = stream
        self._source = source
        self._connection = connection

    def __aiter__(self) -> "Download":
        return self

    async def __anext__(self) -> bytes:
        self._connection.taken()
        piece = await anext(self._stream)
        self._connection.sent()
        return piece

    async def close(self) -> None:
        for each in (self._stream, self._source):
            close = getattr(each, "aclose", None)
            if close is not None:
                await close()
