"""What the control plane and a storage host say to each other about disks.

A disk is a volume or a snapshot: to a host both are files of an id.
"""

from typing import Any, Literal

import msgspec

Presence = Literal["present", "absent"]


class DiskSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where the first bytes come from: the file of an image, or another disk of this host."""

    path: str | None = None
    format: Literal["raw", "qcow2"] = "raw"
    disk_id: str | None = None


class WantedDisk(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    generation: int
    wanted: Presence
    size_gb: int
    source: DiskSource | None = None
    in_use: bool = False
    """A guest has it open, whose own host lets it grow."""


class DesiredStorage(msgspec.Struct, frozen=True):
    """All disks of one host that are wanted, or that must go."""

    disks: list[WantedDisk]


class SeenDisk(msgspec.Struct, frozen=True, kw_only=True):
    """What a disk is, as far as the work for this generation has come."""

    id: str
    generation: int
    size_gb: int
    """0: it is not there"""
    connection: dict[str, Any] | None = None
    fault: str | None = None


class SeenPool(msgspec.Struct, frozen=True, kw_only=True):
    driver: str
    total_gb: int
    free_gb: int


class ObservedStorage(msgspec.Struct, frozen=True):
    pool: SeenPool
    disks: list[SeenDisk]
    """Only those whose work for the wanted generation has ended, well or not."""
