"""A request's connection: whether its client is still there."""

from collections.abc import Awaitable, Callable
from typing import Any

KEY = "cumulo.connection"
"""In an ASGI scope."""


class Connection:
    """Stands between the server and whoever receives a request's events."""

    __slots__ = ("_receive", "gone")

    def __init__(self, receive: Callable[[], Awaitable[Any]]) -> None:
        self._receive = receive
        self.gone = False
        """The client has closed it."""

    async def receive(self) -> Any:
        event = await self._receive()
        if event["type"] == "http.disconnect":
            self.gone = True
        return event
