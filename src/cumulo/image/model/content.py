"""What the service asks of whatever keeps the bytes of images, and of what rewrites them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from cumulo.core.blobs import streams
from cumulo.core.blobs.streams import Reader
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


Writer = streams.Writer[Received]
"""One upload. Nothing of it is an image before `keep`."""


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
