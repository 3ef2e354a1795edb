"""Images as large objects of a Swift container: our object store, or any other.

An image is a static large object: segments in CONTAINER_segments, streamed as they come, and a
manifest that is written last, so nothing is there before it. Authenticates with Swift's own
version 1 or with keystone (password, version 3).
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from cumulo.core.outbound.client import Response
from cumulo.core.work import pools
from cumulo.image.drivers.driver import Sums, check_id
from cumulo.image.drivers.remote import Endpoint, Login, StreamReader, complaint
from cumulo.image.model.content import Capabilities, Received

MIB = 1024 * 1024


class SwiftOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    auth_url: str
    """keystone's /v3, or with `auth_version` 1 the store's /auth/v1.0"""
    user: str
    key: str
    container: str = "images"
    project: str = ""
    user_domain: str = "Default"
    project_domain: str = "Default"
    region: str = ""
    auth_version: int = 3
    create_container: bool = True
    segment_mib: int = 1024
    ca_file: str = ""


class SwiftDriver:
    def __init__(self, options: SwiftOptions) -> None:
        if options.auth_version not in (1, 3):
            raise ValueError("auth_version is 1 or 3")
        if not 1 <= options.segment_mib <= 5120:
            raise ValueError("segment_mib is between 1 and 5120")
        self.options = options
        self._there = not options.create_container
        self._token = ""
        self._endpoint: Endpoint | None = None
        properties: dict[str, str | int | bool] = {
            "container": options.container,
            "large_object_size": options.segment_mib,
            "large_object_chunk_size": options.segment_mib,
        }
        self.capabilities = Capabilities("swift", "swift+https", properties=properties)

    # --- the contract ------------------------------------------------------------------------

    def writer(self, key: str) -> "SwiftWriter":
        return SwiftWriter(self, check_id(key))

    async def reader(self, key: str) -> StreamReader:
        name = check_id(key)
        async with await self.call("HEAD", self.image(name)) as response:
            if response.status == 404:
                raise KeyError(key)
            if response.status != 200:
                raise await complaint(response, f"reading {name}")
            size = int(response.headers.get("content-length", "0"))

        async def open_at(offset: int) -> Response:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            return await self.call("GET", self.image(name), headers=headers)

        return StreamReader(open_at, size)

    async def remove(self, key: str) -> None:
        name = check_id(key)
        await self.delete(self.image(name))
        # All of its segments, those of interrupted uploads too.
        for entry in await self._listed(self._segments_name, prefix=f"{name}/"):
            await self.delete(self.segment(str(entry["name"])))

    async def keys(self) -> Sequence[str]:
        found = []
        for entry in await self._listed(self.options.container):
            with contextlib.suppress(ValueError):
                found.append(check_id(str(entry["name"])))
        return sorted(found)

    async def forget_unfinished(self) -> int:
        known: set[str] = set()
        for name in await self.keys():
            known.update(await self.segments(name))
        there = [self.segment(str(e["name"])) for e in await self._listed(self._segments_name)]
        lost = [path for path in there if path not in known]
        for path in lost:
            await self.delete(path)
        return len({path.rpartition("/")[0] for path in lost})

    def path(self, key: str) -> str | None:
        return None

    def url(self, key: str) -> str:
        there = self.options.auth_url.partition("://")[2].rstrip("/")
        return f"swift+https://{there}/{self.options.container}/{check_id(key)}"

    # --- names -------------------------------------------------------------------------------

    @property
    def _segments_name(self) -> str:
        return f"{self.options.container}_segments"

    def image(self, name: str) -> str:
        return f"/{quote(self.options.container)}/{name}"

    def segment(self, name: str) -> str:
        return f"/{quote(self._segments_name)}/{name}"

    # --- requests ----------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] | None = None,
        again: bool = True,
    ) -> Response:
        """One request with a token; a new token when the store does not know this one."""
        if self._endpoint is None:
            await self._authenticate()
        assert self._endpoint is not None
        base = self._endpoint.target.path.rstrip("/")
        named = {**(headers or {}), "X-Auth-Token": self._token}
        response = await self._endpoint.send(method, base + path, named, body)
        if response.status == 401 and again and not isinstance(body, AsyncIterator):
            await response.close()
            self._endpoint = None
            return await self.call(method, path, headers=headers, body=body, again=False)
        return response

    async def _authenticate(self) -> None:
        options = self.options
        if options.auth_version == 1:
            door = Endpoint(options.auth_url, ca_file=options.ca_file)
            named = {"X-Auth-User": options.user, "X-Auth-Key": options.key}
            response = await door.send("GET", door.target.path, named)
            url = response.headers.get("x-storage-url", "")
            token = response.headers.get("x-auth-token", "")
            await response.close()
        else:
            login = Login(
                options.auth_url,
                options.user,
                options.key,
                options.project,
                options.user_domain,
                options.project_domain,
                options.region,
                options.ca_file,
            )
            url, token = await login.find(["object-store"])
        if not url or not token:
            raise OSError(f"{options.auth_url}: no access to the object store")
        self._endpoint, self._token = Endpoint(url, ca_file=options.ca_file), token

    async def ensure_containers(self) -> None:
        for name in () if self._there else (self.options.container, self._segments_name):
            response = await self.call("PUT", f"/{quote(name)}", body=b"")
            if response.status not in (201, 202):
                raise await complaint(response, f"making the container {name}")
            await response.close()
        self._there = True

    async def delete(self, path: str) -> None:
        response = await self.call("DELETE", path)
        if response.status not in (204, 404):
            raise await complaint(response, f"removing {path}")
        await response.close()

    async def segments(self, name: str) -> list[str]:
        """The paths of an image's segments, as its manifest has them."""
        response = await self.call("GET", f"{self.image(name)}?multipart-manifest=get")
        async with response:
            if response.status == 404 or "x-static-large-object" not in response.headers:
                return []
            if response.status != 200:
                raise await complaint(response, f"the manifest of {name}")
            whole = b"".join([piece async for piece in response.blocks()])
        return [str(part["name"]) for part in json.loads(whole)]

    async def _listed(self, container: str, prefix: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        marker = ""
        while True:
            query = f"format=json&limit=1000&marker={quote(marker)}&prefix={quote(prefix)}"
            path = f"/{quote(container)}?{query}"
            response = await self.call("GET", path)
            if response.status == 404:
                await response.close()
                return found
            if response.status not in (200, 204):
                raise await complaint(response, f"listing {container}")
            async with response:
                whole = b"".join([piece async for piece in response.blocks()])
            page = json.loads(whole) if whole else []
            found += page
            if len(page) < 1000:
                return found
            marker = str(page[-1]["name"])


class SwiftWriter:
    """One segment at a time is a request that is fed by `write`."""

    def __init__(self, driver: SwiftDriver, key: str) -> None:
        self._driver = driver
        self._key = key
        self._sums = Sums()
        self._parts: list[dict[str, Any]] = []
        self._folder = f"{key}/{uuid.uuid4().hex}"
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=2)
        self._sending: asyncio.Task[str] | None = None
        self._in_segment = 0

    async def write(self, block: bytes) -> None:
        await pools.DISK(self._sums.add, block)
        most = self._driver.options.segment_mib * MIB
        while block:
            if self._sending is None:
                await self._start()
            piece, block = block[: most - self._in_segment], block[most - self._in_segment :]
            await self._feed(piece)
            self._in_segment += len(piece)
            if self._in_segment == most:
                await self._end()

    async def _start(self) -> None:
        await self._driver.ensure_containers()
        # A stream cannot be sent twice, so the token is tried before it.
        probe = await self._driver.call("HEAD", f"/{quote(self._driver.options.container)}")
        await probe.close()
        path = self._driver.segment(f"{self._folder}/{len(self._parts):08d}")
        self._queue = asyncio.Queue(maxsize=2)
        self._parts.append({"path": path, "size_bytes": 0})
        self._sending = asyncio.create_task(self._send(path, self._queue))
        self._in_segment = 0

    async def _send(self, path: str, queue: asyncio.Queue[bytes]) -> str:
        async def body() -> AsyncIterator[bytes]:
            while piece := await queue.get():
                yield piece

        response = await self._driver.call("PUT", path, body=body())
        if response.status != 201:
            raise await complaint(response, f"writing {path}")
        await response.close()
        return response.headers.get("etag", "").strip('"')

    async def _feed(self, piece: bytes) -> None:
        """Hand a piece to the request, unless that has failed."""
        assert self._sending is not None
        putting = asyncio.ensure_future(self._queue.put(piece))
        await asyncio.wait({putting, self._sending}, return_when=asyncio.FIRST_COMPLETED)
        if not putting.done():
            putting.cancel()
            await self._sending
            raise OSError("the store ended the transfer early")

    async def _end(self) -> None:
        if self._sending is not None:
            await self._feed(b"")
            etag = await self._sending
            self._parts[-1] |= {"etag": etag, "size_bytes": self._in_segment}
            self._sending = None

    async def share(self, descriptor: int) -> bool:
        return False

    async def finish(self) -> Received:
        await self._end()
        return self._sums.result()

    async def keep(self) -> None:
        driver, path = self._driver, self._driver.image(self._key)
        await driver.ensure_containers()
        older = await driver.segments(self._key)
        if self._parts:
            query, body = "?multipart-manifest=put", json.dumps(self._parts).encode()
        else:
            query, body = "", b""
        response = await driver.call("PUT", path + query, body=body)
        if response.status != 201:
            raise await complaint(response, f"writing {path}")
        await response.close()
        self._parts = []
        for segment in older:
            await driver.delete(segment)

    async def drop(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await self._sending
            self._sending = None
        for part in self._parts:
            with contextlib.suppress(OSError):
                await self._driver.delete(str(part["path"]))
        self._parts = []
