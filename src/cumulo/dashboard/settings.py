"""The dashboard's own settings: the table `[dashboard]` of `cumulo.toml`."""

from typing import Annotated, ClassVar

import msgspec


class DashboardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "dashboard"

    idle_minutes: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 60
    """A session that nobody uses ends."""
    longest_hours: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 12
    """A session ends whatever is done in it."""
