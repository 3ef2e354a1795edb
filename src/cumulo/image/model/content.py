"""What the service asks of whatever keeps the bytes of images, and of what rewrites them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from cumulo.image.formats import Inspection


class Received(msgspec.Struct, frozen=True):
    """What was written: bytes, md5, sha512, and what kind of file it is."""

    size: int
    md5: str
    sha512: str
    found: Inspection


class Capabilities(msgspec.Struct, frozen=True):
    """`local_files`: hosts of this machine can open an image by its path. `read_only`: it only
    reads what others keep, by URL. `scheme`: of the URLs of its images. `properties`: what
    administrators are told about it."""

    driver: str
    scheme: str
    local_files: bool = False
    read_only: bool = False
    properties: dict[str, str | int | bool] = {}


class Writer(Protocol):
    """One upload. Nothing of it is an image before `keep`."""

    async def write(self, block: bytes) -> None:
        """Append. Raises OSError (no space, the store does not answer)."""

    async def share(self, descriptor: int) -> bool:
        """Before the first `write`: take the blocks of this open file without copying them, where
        the file system can. `write` is still given all of its bytes, for the hash sums."""

    async def finish(self) -> Received:
        """All bytes are there: hash sums and kind."""

    async def keep(self) -> None:
        """Make what was written the bytes of the image, whole and on the disk."""

    async def drop(self) -> None:
        """Forget it; also after `keep` failed. Raises nothing."""


class Reader(Protocol):
    size: int | None
    """Bytes there are, where the store tells."""

    async def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; empty at the end. Raises OSError."""

    def descriptor(self) -> int | None:
        """The open file, for a server that can send it without copying; None: not a file."""

    async def close(self) -> None: ...


class ImageBytes(Protocol):
    """Keeps the bytes of images by a key: the image's id, or a URL where it only reads."""

    capabilities: Capabilities

    def writer(self, key: str) -> Writer: ...

    async def reader(self, key: str) -> Reader:
        """Raises KeyError when there are no bytes of that image, OSError when it cannot tell."""

    async def remove(self, key: str) -> None:
        """Remove the bytes. Nothing to do: no error. Raises OSError."""

    async def keys(self) -> Sequence[str]:
        """The keys of all images that there are bytes of."""

    async def forget_unfinished(self) -> int:
        """Remove what uploads of earlier processes left; how many."""

    def path(self, key: str) -> str | None:
        """The file of an image, for hosts that share this machine's disks; None: not a file."""

    def url(self, key: str) -> str:
        """Where it is, for administrators and services."""


class ConversionFailed(Exception):
    """The bytes cannot be rewritten; the text is for the user."""


class Rewriter(Protocol):
    """Rewrites staged files, in a bounded and unprivileged process."""

    async def decompress(self, source: str, target: str, most_bytes: int) -> str | None:
        """Unpack what is compressed; the kind, or None when it is not. Raises
        ConversionFailed."""

    async def convert(
        self, source: str, source_format: str, target: str, format: str, most_bytes: int
    ) -> None:
        """The same disk in another format; `most_bytes`: what it may take on the disk, holes not
        counted. Raises ConversionFailed."""
