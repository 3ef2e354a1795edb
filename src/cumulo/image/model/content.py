"""What the service asks of whatever keeps the bytes of images."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Received(msgspec.Struct, frozen=True):
    """What was written: bytes, md5, sha512, and the start of the file for inspection."""

    size: int
    md5: str
    sha512: str
    head: bytes


class Writer(Protocol):
    """One upload. Nothing of it is an image before `keep`."""

    async def write(self, block: bytes) -> None:
        """Append. Raises OSError (no space)."""

    async def finish(self) -> Received:
        """All bytes are there: hash sums and the head."""

    async def keep(self) -> None:
        """Make what was written the bytes of the image, whole and on the disk."""

    async def drop(self) -> None:
        """Forget it; also after `keep` failed."""


class Reader(Protocol):
    async def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; empty at the end."""

    async def close(self) -> None: ...


class ImageBytes(Protocol):
    """Keeps the bytes of images by the images' ids."""

    def writer(self, image_id: str) -> Writer: ...

    async def reader(self, image_id: str) -> Reader:
        """Raises KeyError when there are no bytes of that image."""

    async def remove(self, image_id: str) -> None:
        """Remove the bytes. Nothing to do: no error. Raises OSError."""

    async def list(self) -> Sequence[str]:
        """The ids of all images that there are bytes of."""

    async def forget_unfinished(self) -> int:
        """Remove what interrupted uploads left; only when no upload is at work."""

    def path(self, image_id: str) -> str | None:
        """The file of an image, for hosts that share this machine's disks; None: not a file."""
