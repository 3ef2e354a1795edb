"""The dashboard's own settings: the table `[dashboard]` of `cumulo.toml`."""

from typing import Annotated, ClassVar

import msgspec


class DashboardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "dashboard"

    idle_minutes: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 60
    """A session that nobody uses ends."""
    longest_hours: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 12
    """A session ends whatever is done in it."""
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "Cumulo"
    """What the pages call the cloud."""
    theme: str = ""
    """A file of style that is read after the dashboard's own: other colours by its variables."""
    titles: dict[str, str] = {}
    """Other titles of panels, by the panel's name: `servers = "Machines"`."""
    without: list[str] = []
    """Panels that are not shown, by name."""
    sign_on: dict[str, str] = {}
    """Buttons for single sign-on: `IDENTITY-PROVIDER/PROTOCOL` → what the button says."""
