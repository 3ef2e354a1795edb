"""What clients hint to the scheduler: `same_host`, `different_host` (ids of servers of theirs),
`build_near_host_ip` with `cidr`, `query` (a condition on the host's facts, in JSON), and `group`,
which `scheduling` looks at. Hints of other names are kept, shown, and have no effect."""

import ipaddress
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.compute.queries import server as queries
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest

MOST_HINTS, MOST_BYTES, MOST_SERVERS = 20, 8192, 100
MOST_DEPTH = 10
WORDS = ("=", "<", ">", "in", "<=", ">=", "not", "or", "and")
"""What a query may say first in each of its lists."""


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
    query_of(hints)
    _check_near(hints)
    return dict(hints)


def _check_near(hints: Mapping[str, Any]) -> None:
    address, cidr = hints.get("build_near_host_ip"), hints.get("cidr", "/24")
    if address is None:
        return
    try:
        ipaddress.ip_network(f"{address}/{str(cidr).lstrip('/')}", strict=False)
    except ValueError:
        raise BadRequest(
            "Invalid input for field/attribute build_near_host_ip: an address, and in cidr the "
            "length of its network's prefix."
        ) from None


def query_of(hints: Mapping[str, Any]) -> list[Any] | None:
    """The condition on hosts, if there is one: lists of a word and what it is about. Raises
    BadRequest."""
    given = hints.get("query")
    if given is None:
        return None
    try:
        found = msgspec.json.decode(given, type=list[Any]) if isinstance(given, str) else given
    except msgspec.MsgspecError:
        found = None
    if not isinstance(found, list) or not _is_query(found, MOST_DEPTH):
        raise BadRequest(
            f"Invalid input for field/attribute query: a JSON list that begins with one of "
            f"{' '.join(WORDS)}, of lists, words and numbers, {MOST_DEPTH} deep at most."
        )
    return found


def _is_query(given: list[Any], depth: int) -> bool:
    if not given:
        return True
    if depth == 0 or given[0] not in WORDS:
        return False
    return all(
        _is_query(each, depth - 1)
        if isinstance(each, list)
        else each is None or isinstance(each, str | int | float)
        for each in given[1:]
    )


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
