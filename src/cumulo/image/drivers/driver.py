"""The contract of image drivers: where the bytes of images are.

An image's id is its name in the store, so keeping it twice is keeping it once. An image is there
whole or not at all. A driver that only reads names images by their URLs.
"""

import hashlib
import re

from cumulo.image.formats import Probe
from cumulo.image.model.content import Capabilities, ImageBytes, Received

__all__ = ["Capabilities", "ImageDriver", "Sums", "check_id"]

ImageDriver = ImageBytes

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class Sums:
    """Size, hash sums and kind of a stream of blocks."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha512 = hashlib.sha512()
        self._probe = Probe()

    def add(self, block: bytes) -> None:
        self._md5.update(block)
        self._sha512.update(block)
        self._probe.add(block)

    @property
    def size(self) -> int:
        return self._probe.size

    def result(self) -> Received:
        return Received(
            self._probe.size,
            self._md5.hexdigest(),
            self._sha512.hexdigest(),
            self._probe.result(),
        )


def check_id(value: str) -> str:
    """An id that may become part of a path. Raises ValueError."""
    if not _ID.fullmatch(value):
        raise ValueError(f"not an id: {value!r}")
    return value
