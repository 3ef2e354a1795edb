"""Export locations: what clients mount. They follow from a share and its export server; each has
an id that leads back to the share."""

import uuid
from collections.abc import Sequence

from cumulo.shared_file_system.model.network import ServerRow
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow

MOST = 8
"""Locations of one share: one in each subnet"""
_MASK = 0x5F3A_9C4E_71D0
"""Of the last twelve digits of an id; a multiple of MOST"""


def location_id(id: str, number: int) -> str:
    """Of the location with that number of a share or a snapshot."""
    return str(uuid.UUID(int=uuid.UUID(id).int ^ (_MASK + number)))


def owners_of(location: str) -> list[str]:
    """The ids of which this can be a location; none for what is no id."""
    try:
        return [location_id(location, number) for number in range(MOST)]
    except ValueError:
        return []


def paths_of(row: ShareRow | SnapshotRow, server: ServerRow | None) -> Sequence[tuple[str, str]]:
    """(id, path) of each, the preferred one first; none before it can be mounted."""
    if isinstance(row, ShareRow):
        folder, there = "shares", row.observed_size > 0
    else:
        folder, there = "snapshots", row.made
    if server is None or not there:
        return []
    found = []
    for number, plug in enumerate(server.plugs):
        address = plug.address.partition("/")[0]
        shown = f"[{address}]" if ":" in address else address
        found.append((location_id(row.id, number), f"{shown}:/{folder}/{row.id}"))
    return found
