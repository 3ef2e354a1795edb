"""Content of another machine: read once from its start to its end, by a ticket."""

from collections.abc import AsyncIterator, Awaitable, Callable

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.streams import Reader
from cumulo.core.outbound import client
from cumulo.core.outbound.client import RequestFailed, Response
from cumulo.core.outbound.guard import resolve


class RemoteContents:
    """Implements `content.Contents`. `base_url`: of the control plane; `ticket(content)`: asks it
    for one on the host's own connection."""

    def __init__(self, base_url: str, ticket: Callable[[Content], Awaitable[str]]) -> None:
        self._base_url = base_url.rstrip("/")
        self._ticket = ticket

    async def open(self, content: Content) -> Reader:
        url = f"{self._base_url}/image/content/{await self._ticket(content)}"
        try:
            target = client.target_of(url)
            addresses = await resolve(target.host, target.port)
            response = await client.request("GET", target, addresses)
        except RequestFailed as error:
            raise OSError(f"the control plane does not answer: {error}") from None
        if response.status == 200:
            return _Body(response)
        await response.close()
        if response.status == 404:
            raise Missing(content.id)
        raise OSError(f"the control plane answered {response.status}")


class _Body:
    """A response as a reader that only goes forward."""

    def __init__(self, response: Response) -> None:
        length = response.headers.get("content-length", "")
        self.size: int | None = int(length) if length.isdecimal() else None
        self._response = response
        self._blocks: AsyncIterator[bytes] = response.blocks()
        self._rest = b""
        self._at = 0

    async def read(self, offset: int, length: int) -> bytes:
        if offset != self._at:
            raise OSError("this content is read from its start to its end only")
        if not self._rest:
            try:
                self._rest = await anext(self._blocks, b"")
            except RequestFailed as error:
                raise OSError(str(error)) from None
        found, self._rest = self._rest[:length], self._rest[length:]
        self._at += len(found)
        return found

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        await self._response.close()
