"""What the control plane and a storage host say to each other about disks.

A disk is a volume or a snapshot: to a host both are files of an id.
"""

from typing import Any

import msgspec

from cumulo.core.blobs.content import Content


class DiskSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where the first bytes come from: the content of an image, or another disk of this host."""

    content: Content | None = None
    disk_id: str | None = None


class WantedDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk that a host keeps; one that must go is an item that is gone."""

    id: str
    generation: int
    size_gb: int
    source: DiskSource | None = None
    content: int = 0
    """Grows when it is to be made of another source."""
    in_use: bool = False
    """A guest has it open, whose own host lets it grow."""
    made: bool = False
    """It was there: if it is missing now it is lost, and not made anew without its content."""
    held: bool = False
    """Leave it as it is: it failed, and nobody has changed what is wanted since."""


class SeenDisk(msgspec.Struct, frozen=True, kw_only=True):
    size_gb: int
    """0: it is not there"""
    connection: dict[str, Any] | None = None
    held: bool = False


class SeenPool(msgspec.Struct, frozen=True, kw_only=True):
    driver: str
    total_gb: int
    free_gb: int
