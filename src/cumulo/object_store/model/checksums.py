"""Checksums of S3 (`x-amz-checksum-…`), which clients send unasked and get back.

CRC32C and CRC64NVME are computed by AWS's own library, which is imported when the first one comes.
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cumulo.object_store.model.faults import BadInput

PREFIX = "x-amz-checksum-"


class Checksum(Protocol):
    def update(self, block: bytes, /) -> object: ...
    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, add: Callable[[bytes, int], int], size: int) -> None:
        self._add = add
        self._size = size
        self._value = 0

    def update(self, block: bytes) -> None:
        self._value = self._add(block, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def _crc32c() -> Checksum:
    from awscrt import checksums

    return _Crc(checksums.crc32c, 4)


def _crc64nvme() -> Checksum:
    from awscrt import checksums

    return _Crc(checksums.crc64nvme, 8)


ALGORITHMS: Mapping[str, Callable[[], Checksum]] = {
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": _crc32c,
    "crc64nvme": _crc64nvme,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
SIZES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}


def wanted(headers: Mapping[str, str]) -> str | None:
    """The algorithm that a request names, by a value, by a trailer, or by name."""
    said = headers.get("x-amz-sdk-checksum-algorithm", "").lower()
    trailer = headers.get("x-amz-trailer", "").strip().lower()
    named = trailer.removeprefix(PREFIX) if trailer else ""
    values = [name for name in ALGORITHMS if PREFIX + name in headers]
    if len(values) > 1 or (values and named):
        raise BadInput(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    if values:
        named = values[0]
    if named and said and said != named:
        raise BadInput("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    named = named or said
    named = named or headers.get("x-amz-checksum-algorithm", "").lower()
    if not named:
        return None
    if named not in ALGORITHMS:
        raise BadInput("The value specified in the x-amz-trailer header is not supported")
    return named


def text(checksum: Checksum) -> str:
    return base64.b64encode(checksum.digest()).decode()


def check(algorithm: str, given: str | None, found: str) -> None:
    """Raises BadInput for a value that is none, or another one."""
    if given is None:
        return
    try:
        raw = base64.b64decode(given, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != SIZES[algorithm]:
        raise BadInput(f"Value for {PREFIX}{algorithm} header is invalid.")
    if given != found:
        raise BadInput(
            f"The {algorithm.upper()} you specified did not match the calculated checksum.",
            kind="BadDigest",
        )


def composite(algorithm: str, parts: Sequence[str]) -> str:
    """Of an object of parts: the checksum of their checksums, and how many there are."""
    total = ALGORITHMS[algorithm]()
    for each in parts:
        total.update(base64.b64decode(each))
    return f"{text(total)}-{len(parts)}"


def combined(algorithm: str, parts: Sequence[str], sizes: Sequence[int]) -> str:
    """Of the whole, from the CRCs of its parts and their sizes."""
    from awscrt import checksums

    combine = getattr(checksums, f"combine_{algorithm}")
    total, first = 0, True
    for part, size in zip(parts, sizes, strict=True):
        value = int.from_bytes(base64.b64decode(part), "big")
        total, first = (value if first else combine(total, value, size)), False
    return base64.b64encode(total.to_bytes(SIZES[algorithm], "big")).decode()
