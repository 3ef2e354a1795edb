"""The contract of image drivers: where the bytes of images are.

An image's id is its name in the store, so keeping it twice is keeping it once. An image is there
whole or not at all.
"""

import hashlib
import re
from typing import Protocol

import msgspec

from cumulo.image.formats import HEAD_BYTES
from cumulo.image.model.content import ImageBytes, Received

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class Capabilities(msgspec.Struct, frozen=True):
    """`local_files`: hosts of this machine can open an image by its path."""

    driver: str
    local_files: bool
    free_bytes: int


class ImageDriver(ImageBytes, Protocol):
    async def capabilities(self) -> Capabilities: ...


class Sums:
    """Size, hash sums and head of a stream of blocks."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha512 = hashlib.sha512()
        self._head = bytearray()
        self._size = 0

    def add(self, block: bytes) -> None:
        self._md5.update(block)
        self._sha512.update(block)
        missing = HEAD_BYTES - len(self._head)
        if missing > 0:
            self._head += block[:missing]
        self._size += len(block)

    def result(self) -> Received:
        return Received(
            self._size, self._md5.hexdigest(), self._sha512.hexdigest(), bytes(self._head)
        )


def check_id(value: str) -> str:
    """An id that may become part of a path. Raises ValueError."""
    if not _ID.fullmatch(value):
        raise ValueError(f"not an id: {value!r}")
    return value
