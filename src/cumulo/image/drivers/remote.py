"""What drivers of remote stores share: readers that open a stream where they are asked to."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.outbound import client
from cumulo.core.outbound.client import Body, RequestFailed, Response, Target, target_of
from cumulo.core.outbound.guard import Refused, resolve

Open = Callable[[int], Awaitable[Response]]
"""A stream of the object's bytes, at or before this offset (its status says which)."""


class StreamReader:
    """Reads forward through one stream; another offset opens another one."""

    def __init__(self, open_at: Open, size: int | None) -> None:
        self.size = size
        self._open_at = open_at
        self._response: Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._at = 0
        self._buffer = b""

    async def read(self, offset: int, length: int) -> bytes:
        if self.size is not None and offset >= self.size:
            return b""
        try:
            if self._pieces is None or offset != self._at:
                await self._seek(offset)
            return await self._take(length)
        except (RequestFailed, Refused) as error:
            raise OSError(str(error)) from None

    async def _seek(self, offset: int) -> None:
        await self.close()
        self._response = await self._open_at(offset)
        if self._response.status not in (200, 206):
            raise OSError(f"the store answered {self._response.status}")
        # A server without ranges starts from the beginning.
        skipped = 0 if self._response.status == 206 or offset == 0 else offset
        self._pieces, self._at, self._buffer = self._response.blocks(), offset, b""
        while skipped > 0:
            piece = await self._next()
            if not piece:
                return
            self._buffer = piece[skipped:]
            skipped -= len(piece)

    async def _next(self) -> bytes:
        assert self._pieces is not None
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            return b""

    async def _take(self, length: int) -> bytes:
        found = bytearray(self._buffer[:length])
        self._buffer = self._buffer[length:]
        while len(found) < length:
            piece = await self._next()
            if not piece:
                break
            wanted = length - len(found)
            found += piece[:wanted]
            self._buffer = piece[wanted:]
        self._at += len(found)
        return bytes(found)

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        if self._response is not None:
            await self._response.close()
        self._response = self._pieces = None


class Endpoint:
    """A server that the operator has named: no rules but its own address."""

    def __init__(self, url: str, *, ca_file: str = "", patience: float = 60.0) -> None:
        self.target = target_of(url.rstrip("/"))
        self._patience = patience
        self._tls = ssl.create_default_context(cafile=ca_file or None)

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Body = None
    ) -> Response:
        """Raises OSError when there is no answer."""
        there = self.target
        wanted = Target(there.scheme, there.host, there.port, path)
        try:
            return await client.request(
                method,
                wanted,
                await resolve(there.host, there.port),
                headers=headers,
                body=body,
                patience=self._patience,
                verify=self._tls,
            )
        except RequestFailed as error:
            raise OSError(str(error)) from None


class Login(msgspec.Struct, frozen=True):
    """A user of keystone (version 3) with a role in a project."""

    auth_url: str
    user: str
    password: str
    project: str
    user_domain: str = "Default"
    project_domain: str = "Default"
    region: str = ""
    ca_file: str = ""

    async def find(self, types: Sequence[str]) -> tuple[str, str]:
        """The public URL of the first of these services that the catalog has, and a token.
        Raises OSError."""
        door = Endpoint(self.auth_url, ca_file=self.ca_file)
        user = {
            "name": self.user,
            "password": self.password,
            "domain": {"name": self.user_domain},
        }
        scope = {"project": {"name": self.project, "domain": {"name": self.project_domain}}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()
        path = door.target.path.rstrip("/") + "/auth/tokens"
        response = await door.send("POST", path, {"Content-Type": "application/json"}, body)
        if response.status != 201:
            raise await complaint(response, "authenticating at keystone")
        token = response.headers.get("x-subject-token", "")
        try:
            catalog = (await whole(response))["token"].get("catalog", [])
            for wanted in types:
                for service in catalog:
                    for endpoint in service["endpoints"] if service["type"] == wanted else ():
                        right = self.region in ("", endpoint.get("region"))
                        if endpoint["interface"] == "public" and right:
                            return str(endpoint["url"]), token
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OSError(f"keystone's answer makes no sense: {error}") from None
        raise OSError(f"keystone's catalog has no {types[0]}")


async def whole(response: Response) -> Any:
    """A JSON answer of any length. Raises OSError, ValueError."""
    try:
        async with response:
            text = b"".join([piece async for piece in response.blocks()])
    except RequestFailed as error:
        raise OSError(str(error)) from None
    return json.loads(text) if text else None


async def complaint(response: Response, doing: str) -> OSError:
    """The error for an answer that was not expected."""
    try:
        text = (await response.text())[:300].decode(errors="replace")
    except RequestFailed as error:
        text = str(error)
    finally:
        await response.close()
    return OSError(f"{doing}: the store answered {response.status}: {text}")
