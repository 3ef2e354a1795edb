"""Images at web servers of others: read-only, named by their URLs, under the rules for URLs of
users (`core.outbound.guard`)."""

from collections.abc import Sequence
from typing import NoReturn

from cumulo.core.outbound.client import RequestFailed, Response
from cumulo.core.outbound.guard import Guard, Refused
from cumulo.image.drivers.remote import StreamReader
from cumulo.image.model.content import Capabilities


class HttpDriver:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.capabilities = Capabilities("http", "http", read_only=True)

    def writer(self, key: str) -> NoReturn:
        raise ValueError("the http store is read-only")

    async def reader(self, key: str) -> StreamReader:
        try:
            async with await self._guard.request("HEAD", key) as response:
                if response.status in (404, 410):
                    raise KeyError(key)
                # Some servers know only GET; its answer tells the same.
                if response.status not in (200, 204, 400, 403, 405, 501):
                    raise OSError(f"{key}: the server answered {response.status}")
                # An answer to HEAD that says 0 is that of a server which does not count.
                length = response.headers.get("content-length", "0")
                known = response.status == 200 and length.isdecimal() and int(length) > 0
        except (Refused, RequestFailed) as error:
            raise OSError(str(error)) from None

        async def open_at(offset: int) -> Response:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            return await self._guard.get(key, headers)

        return StreamReader(open_at, int(length) if known else None)

    async def remove(self, key: str) -> None:
        """What others keep is theirs."""

    async def keys(self) -> Sequence[str]:
        return []

    async def forget_unfinished(self) -> int:
        return 0

    def path(self, key: str) -> str | None:
        return None

    def url(self, key: str) -> str:
        return key
