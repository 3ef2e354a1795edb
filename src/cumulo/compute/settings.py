"""Compute's own settings: the table `[compute]` of `cumulo.toml`."""

from typing import Annotated, ClassVar

import msgspec


class ComputeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "compute"

    cpu_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 4.0
    ram_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    disk_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 1.0
