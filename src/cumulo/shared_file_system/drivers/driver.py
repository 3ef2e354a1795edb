"""The contract between a host's agent and what keeps and serves shares there.

The ids of shares, snapshots and servers are their names, so making one twice is making it once.
`ensure_share` only lets shares grow; `shrink` refuses what would lose data. Faults are raised:
OSError for what may succeed later, Refused for what will not before something else is wanted,
Waiting for what somebody else has to do first.
"""

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from cumulo.shared_file_system.model.orders import Rule, WantedServer

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class Refused(Exception):
    """It cannot be, with the reason for the user."""


class DataLoss(Refused):
    """More is in the share than it would hold."""


class Waiting(Exception):
    """Something is not there yet: the export server's network, say."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver is and has. `fault`: why it can keep no shares here."""

    driver: str
    total_gb: float
    free_gb: float
    fault: str | None = None


class SharesDriver(Protocol):
    """Keeps and serves shares. Every method may be called again after a crash at any point."""

    async def room(self) -> Room: ...

    async def ensure_server(self, server: WantedServer) -> None:
        """An export server at that address. Raises Waiting, OSError, Refused."""

    async def remove_server(self, id: str) -> None:
        """Nothing to do: no error."""

    async def server_fits(self, server: WantedServer) -> bool:
        """It runs as `ensure_server` made it. Cheap."""

    async def ensure_share(self, id: str, size_gb: int, snapshot_id: str | None) -> int:
        """Make the share (with what the snapshot holds) or let it grow; its size in GiB now."""

    async def shrink(self, id: str, size_gb: int) -> int:
        """Make it as small as that; its size in GiB now. One that is smaller is left so. Raises
        DataLoss (nothing is changed then), Refused (no share)."""

    async def revert(self, id: str, snapshot_id: str, size_gb: int, token: str) -> None:
        """Its content becomes the snapshot's, with that size, and it is not exported until
        `export` is called again. Done once for each token: called again with the newest it does
        nothing. Raises Refused (no snapshot)."""

    async def export(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        """Serve the share to these and to nobody else; when it returns it is so. Raises Waiting
        (its server is not there), OSError, Refused (a rule that cannot be)."""

    async def share_fits(self, id: str, server_id: str, rules: Sequence[Rule]) -> bool:
        """It is served as `export` did. Cheap."""

    async def remove_share(self, id: str) -> None:
        """With its export. Snapshots of it stay."""

    async def ensure_snapshot(self, id: str, share_id: str) -> None:
        """What the share is now; nothing happens when it is there. Raises Refused (no share)."""

    async def export_snapshot(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        """Serve it to these, to be read, and to nobody else. Raises as `export` does."""

    async def snapshot_fits(self, id: str, server_id: str, rules: Sequence[Rule]) -> bool:
        """It is served as `export_snapshot` did. Cheap."""

    async def remove_snapshot(self, id: str) -> None: ...

    async def share_size(self, id: str) -> int:
        """GiB; 0: it is not there."""

    async def has_snapshot(self, id: str) -> bool: ...

    async def names(self) -> dict[str, str]:
        """The ids of all that there is, and what each is: `share`, `snapshot`, `server`."""


def check_id(value: str) -> str:
    """An id that may become part of a path. Raises ValueError."""
    if not _ID.fullmatch(value):
        raise ValueError(f"not an id: {value!r}")
    return value
