"""What clients hint to the scheduler: `same_host`, `different_host` (ids of servers of theirs), and
`group`, which `scheduling` looks at. Hints of other names are kept, shown, and have no effect."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.compute.queries import server as queries
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest

MOST_HINTS, MOST_BYTES, MOST_SERVERS = 20, 8192, 100


def checked(hints: Mapping[str, Any]) -> dict[str, Any]:
    """Raises BadRequest: they are kept with each server of the request."""
    if len(hints) > MOST_HINTS or len(msgspec.json.encode(hints)) > MOST_BYTES:
        raise BadRequest(
            f"Scheduler hints: at most {MOST_HINTS}, and {MOST_BYTES} bytes of them all."
        )
    if not isinstance(hints.get("group", ""), str):
        raise BadRequest("Invalid input for field/attribute group: it is the id of a server group.")
    for name in ("same_host", "different_host"):
        _named(hints, name)
    return dict(hints)


def hosts_of(
    tx: Tx, hints: Mapping[str, Any], project_id: str
) -> tuple[list[str] | None, list[str]]:
    """(the only hosts that will do, None: any; hosts that will not). Servers of other projects, and
    ones that are nowhere, are nowhere."""
    same, different = _named(hints, "same_host"), _named(hints, "different_host")
    if not same and not different:
        return None, []
    where = {"ids": [*same, *different], "project_id": project_id, "existing": True}
    found = {row.id: row.host_id for row in queries.SERVERS.page(tx, where=where)}
    only = sorted({host for id in same if (host := found.get(id))}) if same else None
    return only, sorted({host for id in different if (host := found.get(id))})


def _named(hints: Mapping[str, Any], name: str) -> list[str]:
    given = hints.get(name, [])
    ids = [given] if isinstance(given, str) else given
    if not isinstance(ids, list) or len(ids) > MOST_SERVERS or any(type(i) is not str for i in ids):
        raise BadRequest(
            f"Invalid input for field/attribute {name}: the id of a server, or a list of up to "
            f"{MOST_SERVERS} of them."
        )
    return ids
