"""A request to S3, read: its bucket and key, who makes it, and its body, checked on the way."""

import base64
import binascii
import functools
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.http.operations import Call, Interrupted
from cumulo.object_store.api.asked import access_of
from cumulo.object_store.api.s3.actions import action_of, said_by
from cumulo.object_store.api.s3.signing import Grant
from cumulo.object_store.model import checksums, limits, names
from cumulo.object_store.model import signature as signatures
from cumulo.object_store.model.account import account_of
from cumulo.object_store.model.chunks import Chunks
from cumulo.object_store.model.faults import (
    BadInput,
    ClientGone,
    Denied,
    LengthRequired,
    PreconditionFailed,
    TooLarge,
)
from cumulo.object_store.service.access import Access

_PROJECT = re.compile(r"[0-9A-Za-z_.-]{1,64}")
NOBODYS = signatures.Signature(0, "", "", 0.0, payload=signatures.UNSIGNED)


class Asked:
    __slots__ = ("access", "bucket", "call", "headers", "key")

    def __init__(self, call: Call, bucket: str | None, *, names_project: bool = False) -> None:
        """`bucket`: of the host; None where the path names it. `names_project`: before the bucket
        the path says whose it is; else it is the signer's own."""
        self.call = call
        self.headers: Mapping[str, str] = call.headers()
        try:
            path = names.decoded(call.raw_path.removeprefix(call.face.mount).removeprefix("/"))
        except PreconditionFailed:
            raise BadInput("Couldn't parse the specified URI.", kind="InvalidURI") from None
        who = call.maybe_principal
        project = None if who is None else who.project_id
        if names_project:
            project, _, path = path.partition("/")
        if not project or not _PROJECT.fullmatch(project):
            raise Denied()
        if bucket is None:
            self.bucket, _, self.key = path.partition("/")
        else:
            self.bucket, self.key = bucket, path
        action = action_of(call, key=bool(self.key))
        self.access: Access = access_of(call, account_of(project), action)
        signature = None if call.grant is None else self.signature
        self.access.said = functools.cache(lambda: said_by(call, signature))
        if len(self.key.encode()) > limits.S3_KEY_NAME:
            raise BadInput("Your key is too long", kind="KeyTooLongError")

    @property
    def who(self) -> Principal | None:
        return self.call.maybe_principal

    @property
    def query(self) -> Any:
        return self.call.query

    @property
    def signature(self) -> signatures.Signature:
        grant: Grant | None = self.call.grant
        return NOBODYS if grant is None else grant.signature

    def body(self, algorithm: str | None = None) -> "Body":
        return Body(self, algorithm or checksums.wanted(self.headers))

    async def completion(self) -> bytes:
        """The document that completes an upload: checksums in the headers are the object's."""
        return await Body(self, None).whole()


class Body:
    """The bytes of a PUT: out of S3's chunks, and held against all that is said of them."""

    def __init__(self, asked: Asked, algorithm: str | None) -> None:
        self._call = asked.call
        self._headers = asked.headers
        self._payload = asked.signature.payload
        if asked.call.grant is None:
            self._payload = asked.headers.get("x-amz-content-sha256") or signatures.UNSIGNED
        self.chunks: Chunks | None = None
        if self._payload in signatures.CHUNKED:
            signed = self._payload != signatures.UNSIGNED_TRAILER
            grant: Grant | None = asked.call.grant
            if grant is None and signed:
                raise Denied("Chunks are signed by whoever signs the request.")
            key = None if grant is None or not signed else grant.key
            self.chunks = Chunks(asked.signature, key)
        self.size = self._size()
        self._md5 = _md5_of(self._headers)
        self.algorithm = algorithm
        self._sum = checksums.ALGORITHMS[algorithm]() if algorithm else None
        # A hash of the signature needs not be computed twice when it is the checksum, too.
        self._hash = signatures.hash_of(asked.signature, asked.headers)
        self._sha256 = None if self._hash is None else hashlib.sha256()

    def _size(self) -> int:
        name = "content-length" if self.chunks is None else "x-amz-decoded-content-length"
        text = self._headers.get(name)
        if text is None:
            raise LengthRequired()
        if not text.isdecimal() or len(text) > 19:
            raise BadInput("Invalid length", kind="InvalidArgument")
        return int(text)

    @property
    def sums(self) -> list[Any]:
        return [each for each in (self._sum, self._sha256) if each is not None]

    @property
    def checksum(self) -> dict[str, str]:
        """Once all has been received."""
        if self._sum is None or self.algorithm is None:
            return {}
        return {self.algorithm: checksums.text(self._sum)}

    async def pieces(self) -> AsyncIterator[bytes]:
        assert self._call.stream is not None
        try:
            async for piece in self._call.stream:
                if self.chunks is None:
                    yield piece
                    continue
                for block in self.chunks.feed(piece):
                    yield block
        except Interrupted:
            raise ClientGone() from None
        if self.chunks is not None:
            self.chunks.end()

    def check(self, size: int, md5: str) -> None:
        """Raises BadInput for bytes that are not what was said."""
        if size != self.size:
            raise ClientGone()
        if self._sha256 is not None and self._sha256.hexdigest() != self._hash:
            raise BadInput(
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                kind="XAmzContentSHA256Mismatch",
            )
        if self._md5 is not None and self._md5 != md5:
            raise BadInput(
                "The Content-MD5 you specified did not match what we received.", kind="BadDigest"
            )
        if self._sum is not None and self.algorithm is not None:
            name = checksums.PREFIX + self.algorithm
            given = self._headers.get(name)
            if self.chunks is not None:
                self._check_trailers(self.chunks.trailers)
                given = self.chunks.trailers.get(name, given)
            checksums.check(self.algorithm, given, checksums.text(self._sum))

    def _check_trailers(self, there: Mapping[str, str]) -> None:
        """What was announced has to come, and nothing else: nothing but a trailer guards the bytes
        of unsigned chunks."""
        if self._payload == signatures.STREAMING:
            return
        announced = self._headers.get("x-amz-trailer", "").strip().lower()
        if announced and announced not in there:
            raise BadInput(
                "The request contained trailing data that was not well-formed or did not conform "
                "to our published schema.",
                kind="MalformedTrailerError",
            )
        if any(name.startswith(checksums.PREFIX) and name != announced for name in there):
            raise BadInput("The trailer is not the one that x-amz-trailer announced.")

    def check_size(self, most: int) -> None:
        if self.size > most:
            raise TooLarge()

    async def whole(self) -> bytes:
        """A small body: a document."""
        if self.size > limits.S3_XML_LIMIT:
            raise BadInput("Your request was too big.", kind="MaxMessageLengthExceeded")
        found = bytearray()
        async for piece in self.pieces():
            found += piece
            if len(found) > limits.S3_XML_LIMIT:
                raise BadInput("Your request was too big.", kind="MaxMessageLengthExceeded")
        for each in self.sums:
            each.update(bytes(found))
        self.check(len(found), hashlib.md5(found, usedforsecurity=False).hexdigest())
        return bytes(found)


def _md5_of(headers: Mapping[str, str]) -> str | None:
    given = headers.get("content-md5")
    if given is None:
        return None
    try:
        raw = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16:
        raise BadInput("The Content-MD5 you specified is not valid.", kind="InvalidDigest")
    return raw.hex()


def number(text: str | None, default: int, least: int, most: int, name: str) -> int:
    """A number of the query. Raises BadInput."""
    if text is None or text == "":
        return default
    if not text.isdecimal() or len(text) > 10:
        raise BadInput(
            f"Provided {name} not an integer or within integer range", kind="InvalidArgument"
        )
    found = int(text)
    if found < least:
        raise BadInput(f"Argument {name} must be at least {least}", kind="InvalidArgument")
    return min(found, most)
