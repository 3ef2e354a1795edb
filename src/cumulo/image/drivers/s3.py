"""Images as objects of a bucket, at any server that speaks S3: AWS, Ceph, MinIO, our own.

An upload is a multipart upload, so nothing is there before it is completed, and one that was
interrupted is found again by listing. Memory holds one part. Requests are signed with AWS
Signature Version 4 (its public documentation), parts by their SHA-256.
"""

import contextlib
import hashlib
import hmac
import time
from collections.abc import Sequence
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import msgspec

from cumulo.core.outbound.client import Response
from cumulo.core.work import pools
from cumulo.image.drivers.driver import Sums, check_id
from cumulo.image.drivers.remote import Endpoint, StreamReader, complaint
from cumulo.image.model.content import Capabilities, Received

MIB = 1024 * 1024
_FIRST_PARTS = 1000
"""S3 has 10,000 parts at most: after these they are eight times as large, so 1 TiB fits."""


class S3Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    """The server, say https://s3.eu-west-1.amazonaws.com; buckets are addressed by path."""
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    prefix: str = ""
    """Before the ids, when the bucket has other tenants."""
    create_bucket: bool = False
    part_mib: int = 16
    ca_file: str = ""


class S3Driver:
    def __init__(self, options: S3Options) -> None:
        if not 5 <= options.part_mib <= 512:
            raise ValueError("part_mib is between 5 and 512")
        self.options = options
        self._endpoint = Endpoint(options.url, ca_file=options.ca_file)
        self._there = not options.create_bucket
        properties: dict[str, str | int | bool] = {
            "bucket": options.bucket,
            "url": options.url,
            "part_size": options.part_mib * MIB,
        }
        self.capabilities = Capabilities("s3", "s3", properties=properties)

    # --- the contract ------------------------------------------------------------------------

    def writer(self, key: str) -> "S3Writer":
        return S3Writer(self, check_id(key))

    async def reader(self, key: str) -> StreamReader:
        name = self.options.prefix + check_id(key)
        async with await self.call("HEAD", name) as response:
            if response.status == 404:
                raise KeyError(key)
            if response.status != 200:
                raise await complaint(response, f"reading {name}")
            size = int(response.headers.get("content-length", "0"))

        async def open_at(offset: int) -> Response:
            headers = {"range": f"bytes={offset}-"} if offset else {}
            return await self.call("GET", name, headers=headers)

        return StreamReader(open_at, size)

    async def remove(self, key: str) -> None:
        name = self.options.prefix + check_id(key)
        response = await self.call("DELETE", name)
        if response.status not in (200, 204, 404):
            raise await complaint(response, f"removing {name}")
        await response.close()
        await self._abort(name)

    async def keys(self) -> Sequence[str]:
        found: list[str] = []
        token = ""
        while True:
            query = {"list-type": "2", "prefix": self.options.prefix}
            if token:
                query["continuation-token"] = token
            page = await self.document("GET", "", query, missing_is_empty=True)
            for element in _all(page, "Contents"):
                name = _text(element, "Key").removeprefix(self.options.prefix)
                with contextlib.suppress(ValueError):
                    found.append(check_id(name))
            token = _text(page, "NextContinuationToken")
            if not token:
                return sorted(found)

    async def forget_unfinished(self) -> int:
        return await self._abort(self.options.prefix)

    async def _abort(self, prefix: str) -> int:
        """End multipart uploads that nobody completes."""
        query = {"uploads": "", "prefix": prefix}
        page = await self.document("GET", "", query, missing_is_empty=True)
        count = 0
        for element in _all(page, "Upload"):
            key, upload = _text(element, "Key"), _text(element, "UploadId")
            async with await self.call("DELETE", key, {"uploadId": upload}):
                count += 1
        return count

    def path(self, key: str) -> str | None:
        return None

    def url(self, key: str) -> str:
        there = self._endpoint.target.authority
        return f"s3://{there}/{self.options.bucket}/{self.options.prefix}{check_id(key)}"

    # --- requests ----------------------------------------------------------------------------

    async def ensure_bucket(self) -> None:
        if not self._there:
            response = await self.call("PUT", "")
            if response.status not in (200, 409):
                raise await complaint(response, "making the bucket")
            await response.close()
            self._there = True

    async def call(
        self,
        method: str,
        name: str,
        query: dict[str, str] | None = None,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        """One signed request on the bucket (`name` empty) or an object of it."""
        base = self._endpoint.target.path.rstrip("/")
        path = f"{base}/{self.options.bucket}" + (f"/{quote(name, safe='/~')}" if name else "")
        pairs = sorted((query or {}).items())
        asked = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in pairs)
        digest = await pools.DISK(lambda: hashlib.sha256(body).hexdigest())
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        named = {**(headers or {}), "host": self._endpoint.target.authority}
        signed = signed_headers(self.options, now, method, path, asked, named, digest)
        # A request with no body at all names no length where the method has none.
        content = body if method in ("PUT", "POST") else None
        return await self._endpoint.send(
            method, path + (f"?{asked}" if asked else ""), signed, content
        )

    async def document(
        self,
        method: str,
        name: str,
        query: dict[str, str],
        body: bytes = b"",
        *,
        missing_is_empty: bool = False,
    ) -> ElementTree.Element:
        """A request whose answer is XML. An error may come with status 200 too."""
        response = await self.call(method, name, query, body=body)
        if response.status == 404 and missing_is_empty and self.options.create_bucket:
            await response.close()
            return ElementTree.Element("none")
        if response.status != 200:
            raise await complaint(response, f"{method} {name}")
        async with response:
            found = bytearray()
            async for piece in response.blocks():
                found += piece
        try:
            page = ElementTree.fromstring(bytes(found))
        except ElementTree.ParseError as error:
            raise OSError(f"{method} {name}: the store's answer makes no sense: {error}") from None
        if page.tag.rpartition("}")[2] == "Error":
            raise OSError(f"{method} {name}: {_text(page, 'Code')}: {_text(page, 'Message')}")
        return page


def signed_headers(
    options: S3Options,
    now: str,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    digest: str,
) -> dict[str, str]:
    """The headers (names in lower case, `host` among them) with a signature, without `host`.

    `now`: 20260102T030405Z; `query`: sorted and escaped; `digest`: SHA-256 of the body, in hex.
    """
    day = now[:8]
    every = {**headers, "x-amz-date": now, "x-amz-content-sha256": digest}
    names = ";".join(sorted(every))
    lines = "".join(f"{name}:{every[name].strip()}\n" for name in sorted(every))
    canonical = "\n".join((method, path, query, lines, names, digest))
    scope = f"{day}/{options.region}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}"
    key = f"AWS4{options.secret_key}".encode()
    for part in (day, options.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    del every["host"]
    return {
        **every,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={options.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}",
    }


class S3Writer:
    def __init__(self, driver: S3Driver, key: str) -> None:
        self._driver = driver
        self._name = driver.options.prefix + key
        self._sums = Sums()
        self._buffer = bytearray()
        self._upload = ""
        self._tags: list[str] = []

    async def write(self, block: bytes) -> None:
        await pools.DISK(self._sums.add, block)
        self._buffer += block
        while len(self._buffer) >= self._part_size():
            size = self._part_size()
            part = bytes(self._buffer[:size])
            del self._buffer[:size]
            await self._send(part)

    def _part_size(self) -> int:
        size = self._driver.options.part_mib * MIB
        return size if len(self._tags) < _FIRST_PARTS else 8 * size

    async def _send(self, part: bytes) -> None:
        if not self._upload:
            await self._driver.ensure_bucket()
            page = await self._driver.document("POST", self._name, {"uploads": ""})
            self._upload = _text(page, "UploadId")
        number = len(self._tags) + 1
        query = {"partNumber": str(number), "uploadId": self._upload}
        response = await self._driver.call("PUT", self._name, query, body=part)
        if response.status != 200:
            raise await complaint(response, f"part {number} of {self._name}")
        self._tags.append(response.headers.get("etag", ""))
        await response.close()

    async def share(self, descriptor: int) -> bool:
        return False

    async def finish(self) -> Received:
        return self._sums.result()

    async def keep(self) -> None:
        if not self._upload:
            await self._driver.ensure_bucket()
            response = await self._driver.call("PUT", self._name, body=bytes(self._buffer))
            if response.status != 200:
                raise await complaint(response, f"writing {self._name}")
            await response.close()
            return
        if self._buffer:
            await self._send(bytes(self._buffer))
            self._buffer.clear()
        parts = "".join(
            f"<Part><PartNumber>{i}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for i, tag in enumerate(self._tags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        await self._driver.document("POST", self._name, {"uploadId": self._upload}, body)
        self._upload = ""

    async def drop(self) -> None:
        self._buffer.clear()
        if self._upload:
            with contextlib.suppress(OSError):
                query = {"uploadId": self._upload}
                await (await self._driver.call("DELETE", self._name, query)).close()
            self._upload = ""


def _all(page: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [element for element in page.iter() if element.tag.rpartition("}")[2] == tag]


def _text(page: ElementTree.Element, tag: str) -> str:
    found = _all(page, tag)
    return (found[0].text or "") if found else ""
