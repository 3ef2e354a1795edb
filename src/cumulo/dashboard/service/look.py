"""What an operator has chosen of how the dashboard looks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Look:
    """See `settings.DashboardSettings`."""

    name: str = "Cumulo"
    theme: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    without: Collection[str] = ()
    sign_on: Mapping[str, str] = field(default_factory=dict)
