"""The contract between a storage host's agent and what keeps volumes there.

A volume's id is its name, so making it twice is making it once. Sizes only grow.
"""

import re
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

VolumeFormat = Literal["raw", "qcow2"]
ImageFormat = Literal["raw", "qcow2", "vmdk", "vdi"]

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class VolumeFault(Exception):
    """It could not be done as asked; the message says why."""


class StaleOrder(Exception):
    """The specification is older than one that this host has already accepted."""


class VolumeSource(msgspec.Struct, frozen=True):
    """An image or another volume on this host, copied in when the volume is made."""

    path: str
    format: VolumeFormat


class VolumeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What one volume should be. `size_gb` may grow with the generation."""

    id: str
    generation: int
    size_gb: int
    format: VolumeFormat = "qcow2"
    source: VolumeSource | None = None
    content: int = 0
    """Grows when it is to be made of another source: what was in it goes."""


class VolumeState(msgspec.Struct, frozen=True, kw_only=True):
    """What one volume is. `path` is None when it does not exist; `fault` says why not.

    `size_gb` is the size that a guest sees, rounded down.
    """

    id: str
    generation: int
    size_gb: int
    path: str | None
    fault: str | None = None


class Capabilities(msgspec.Struct, frozen=True):
    """What a driver can do; `total_gb`, `free_gb` of the space that volumes are made in.

    `online_extend`: "guest" when a volume in use is grown by the host of its guest.
    """

    driver: str
    formats: list[VolumeFormat]
    total_gb: float
    free_gb: float
    thin: bool = True
    online_extend: Literal["guest", "backend", "no"] = "guest"


class BlockStorageDriver(Protocol):
    """Keeps volumes. Every method may be called again after a crash at any point."""

    async def capabilities(self) -> Capabilities: ...

    async def ensure_volume(self, spec: VolumeSpec) -> VolumeState:
        """Make the volume as described, or let it grow, and say what it is now.

        Failures are reported in `fault`, not raised; a volume that could not be made is not
        there at all. Raises StaleOrder, ValueError (an id that is not one).
        """
        ...

    async def remove(self, volume_id: str) -> None:
        """Remove the volume. Nothing to do: no error. Raises OSError."""
        ...

    def has(self, volume_id: str) -> bool:
        """Whether it is made. Cheap."""
        ...

    def content(self, volume_id: str) -> int:
        """Which of its contents it has. Cheap."""
        ...

    async def names(self) -> "list[str]":
        """The ids of all volumes found, also of those that nobody ordered. Cheap."""
        ...

    async def list(self) -> "list[VolumeState]":
        """Every volume found, also those that nobody ordered."""
        ...

    def path(self, volume_id: str) -> tuple[str, VolumeFormat] | None:
        """The file that copies of it are made from; None: it is not there. Cheap."""
        ...

    async def copy_out(self, volume_id: str, target: Path, format: ImageFormat) -> None:
        """Write it, as it is, to a new file of another kind: an image's. Whoever has it open must
        not write meanwhile. Raises VolumeFault with the reason when it cannot be done."""
        ...

    async def copy_in(self, volume_id: str, source: Path) -> None:
        """The bytes of a raw file take the place of what is in it; its size and format stay. It is
        done whole or not at all. Whoever calls knows that nobody has it open. Raises VolumeFault
        with the reason when it cannot be done."""
        ...

    async def connection(self, volume_id: str) -> dict[str, Any]:
        """How a guest on this host opens the volume (compute's `DiskSpec.connection`).

        Raises KeyError when there is none.
        """
        ...


def check_id(value: str) -> str:
    """An id that may become part of a path. Raises ValueError."""
    if not _ID.fullmatch(value):
        raise ValueError(f"not an id: {value!r}")
    return value


def check_spec(spec: VolumeSpec) -> None:
    """Raises ValueError for what no driver can make."""
    check_id(spec.id)
    if spec.size_gb < 1:
        raise ValueError("a volume has at least 1 GB")
