"""A copy of a disk that a host has, read piece by piece, and put onto another host."""

from collections.abc import Awaitable, Callable
from typing import Any

from cumulo.compute.model.orders import PIECE
from cumulo.core.blobs.streams import Reader

Asks = Callable[..., Awaitable[Any]]
"""(host, question, arguments by name) → the answer."""


class HostCopy:
    """A `streams.Reader` of a copy that a host has."""

    def __init__(self, ask: Asks, host_id: str, name: str, size: int | None = None) -> None:
        self._ask = ask
        self._host_id = host_id
        self._name = name
        self.size = size

    async def read(self, offset: int, length: int) -> bytes:
        length = min(length, PIECE)
        found: bytes = await self._ask(
            self._host_id, "read_copy", name=self._name, offset=offset, length=length
        )
        return found

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        """The copy stays until it is dropped by its name."""


async def send(
    ask: Asks, host_id: str, name: str, reader: Reader, check: Callable[[], None]
) -> None:
    """The same bytes on another host, under the same name. `check` is called before each piece: it
    raises when it is somebody else's to write there."""
    offset = 0
    while block := await reader.read(offset, PIECE):
        check()
        await ask(host_id, "put_copy", name=name, offset=offset, data=block)
        offset += len(block)
