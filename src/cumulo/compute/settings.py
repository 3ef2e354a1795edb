"""Compute's own settings: the table `[compute]` of `cumulo.toml`."""

from typing import Annotated, Any, ClassVar

import msgspec


class ComputeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "compute"

    cpu_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 4.0
    ram_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    disk_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    filters: tuple[str, ...] | None = None
    """What a host has to pass besides having room, by Nova's names (`enabled_filters`); None: those
    that only count where a flavor, an image or a hint asks for something."""
    ram_weight_multiplier: float = 1.0
    """How much a host counts for its free memory; below zero: the fullest one is filled first."""
    cpu_weight_multiplier: float = 0.0
    disk_weight_multiplier: float = 0.0
    cpu_dedicated_set: str = ""
    """Processors of this machine (`2-7,^4`) that are set aside: each serves one processor of one
    guest whose flavor says `hw:cpu_policy=dedicated`, and nothing else of Cumulo's guests."""
    reclaim_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """How long a deleted server can be restored; 0: it goes at once."""
    resize_confirm_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """After how long a resize is confirmed by itself; 0: never."""
    shelved_offload_seconds: Annotated[float, msgspec.Meta(ge=-1, le=0)] = 0.0
    """0: a shelved server leaves its host at once; -1: it stays there until it is offloaded."""
    keep_deleted_days: Annotated[float, msgspec.Meta(ge=1)] = 90.0
    """How long deleted servers are remembered, for usage, `changes-since` and their actions."""
    vendordata: dict[str, Any] = {}
    """What all guests find in `vendor_data.json`: a place for a cloud's own `cloud-init`."""
