"""What all of identity's lists and objects have in common on the wire."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from cumulo.core.db.listing import Direction, Listing
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.wire.coercions import as_bool, whole_or_none
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID

R = TypeVar("R", bound=Row)


def self_link(call: Call, collection: str, id: str) -> dict[str, str]:
    return {"self": f"{call.base_url}/v3/{collection}/{id}"}


def listed(call: Call, collection: str, items: Sequence[Any]) -> dict[str, Any]:
    """A list, in the order and with the part of it that the query asks for.

    `sort` (or `sort_key` and `sort_dir`) orders it, `marker` is the id after which it starts,
    `limit` truncates it. Identity's lists are otherwise not paged.
    """
    found = _after(call.query.get("marker"), _sorted(call, items))
    return _truncated(call, collection, found, _limit(call) or 0)


def _limit(call: Call) -> int | None:
    text = call.query.get("limit")
    limit = None if text is None else whole_or_none(text)
    if text is not None and (limit is None or limit < 0):
        raise BadRequest("limit must be a positive integer")
    return limit


def _truncated(
    call: Call, collection: str, found: list[dict[str, Any]], limit: int
) -> dict[str, Any]:
    """The first `limit` (0: all) of what was found, and where the next ones are."""
    links: dict[str, str | None] = {"next": None, "self": call.url, "previous": None}
    body: dict[str, Any] = {"links": links}
    if 0 < limit < len(found):
        found = found[:limit]
        body["truncated"] = True
        if "id" in found[-1]:
            pairs = [pair for pair in call.query.pairs if pair[0] != "marker"]
            links["next"] = f"{call.url}?{urlencode([*pairs, ('marker', found[-1]['id'])])}"
    body[collection] = found
    return body


def page(
    call: Call,
    tx: Tx,
    collection: str,
    listing: Listing[R],
    where: Mapping[str, Any],
    render: Callable[[R], dict[str, Any]],
) -> dict[str, Any]:
    """The same list as `listed` makes, but only the rows of one page are read.

    For nouns of which there may be a hundred thousand. Where the query asks for what the database
    does not know (inexact filters, a key without a column), all rows are read after all.
    """
    limit = _limit(call)
    key = call.query.get("sort_key") or (call.query.get("sort") or "").partition(":")[0]
    inexact = any("__" in name for name in call.query.names())
    if not limit or inexact or key not in ("", "name"):
        items = [render(row) for row in listing.page(tx, where=where)]
        return listed(call, collection, matching(call, items))
    asked = f"{call.query.get('sort') or ''} {call.query.get('sort_dir') or ''}"
    direction: Direction = "desc" if "desc" in asked else "asc"
    marker = call.query.get("marker")
    after = tx.get(listing.row, marker) if marker else None
    if marker and after is None:
        raise BadRequest(f"Marker {marker} could not be found.")
    rows = listing.page(tx, where=where, sort=(("name", direction),), marker=after, limit=limit + 1)
    return _truncated(call, collection, [render(row) for row in rows], limit)


def _sorted(call: Call, items: Sequence[Any]) -> list[Any]:
    """Keys that an item does not have, or that are not plain, are left out of account."""
    wishes = [part.partition(":")[::2] for part in (call.query.get("sort") or "").split(",")]
    if call.query.get("sort_key"):
        wishes = [(call.query.get("sort_key", "") or "", call.query.get("sort_dir", "") or "")]
    found = list(items)
    for key, direction in reversed(wishes):
        if key:
            found.sort(key=lambda item: _order(item.get(key)), reverse=direction == "desc")
    return found


def _order(value: object) -> tuple[int, str]:
    return (1, str(value)) if isinstance(value, str | bool | int) else (0, "")


def _after(marker: str | None, items: list[Any]) -> list[Any]:
    if not marker:
        return items
    for index, item in enumerate(items):
        if item.get("id") == marker:
            return items[index + 1 :]
    raise BadRequest(f"Marker {marker} could not be found.")


def flag(call: Call, name: str) -> bool:
    """A switch in the query: on when it is there, unless its value says no."""
    value = call.query.get(name)
    return value is not None and value.lower() not in ("0", "f", "false", "off", "n", "no")


def own_domain(call: Call, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a token for a domain only what is in it is to be seen."""
    mine = call.principal.domain_id
    return items if mine is None else [item for item in items if item.get("domain_id") == mine]


def home_domain(call: Call) -> str:
    """The domain of what a client makes without naming one."""
    return call.principal.domain_id or call.principal.project_domain_id or DEFAULT_DOMAIN_ID


def filters(call: Call, *names: str) -> dict[str, Any]:
    """The exact-match filters among the query's names."""
    found: dict[str, Any] = {}
    for name in names:
        value = call.query.get(name)
        if value is not None:
            found[name] = as_bool(value or "true", name) if name == "enabled" else value
    return found


def matching(call: Call, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The inexact filters: `name__contains=x`, `name__startswith`, `__endswith`, `__i…`."""
    for key, wanted in call.query.pairs:
        name, mark, test = key.partition("__")
        if not mark:
            continue
        fold = test.startswith("i")
        test = test.removeprefix("i") if fold else test
        if test not in ("contains", "startswith", "endswith"):
            continue
        items = [item for item in items if _matches(item.get(name), wanted, test, fold)]
    return items


def _matches(value: object, wanted: str, test: str, fold: bool) -> bool:
    if not isinstance(value, str):
        return False
    if fold:
        value, wanted = value.lower(), wanted.lower()
    if test == "contains":
        return wanted in value
    if test == "startswith":
        return value.startswith(wanted)
    return value.endswith(wanted)


class Wrapped(msgspec.Struct):
    """`{"user": {…}}`: the attributes are checked by the service, made-up ones are kept."""

    domain: dict[str, Any] | None = None
    project: dict[str, Any] | None = None
    user: dict[str, Any] | None = None
    group: dict[str, Any] | None = None
    role: dict[str, Any] | None = None
    region: dict[str, Any] | None = None
    service: dict[str, Any] | None = None
    endpoint: dict[str, Any] | None = None
    credential: dict[str, Any] | None = None
    endpoint_group: dict[str, Any] | None = None
    policy: dict[str, Any] | None = None


def unwrapped(call: Call, noun: str) -> dict[str, Any]:
    found: dict[str, Any] | None = getattr(call.body, noun)
    if found is None:
        raise BadRequest(f"Invalid input: '{noun}' is a required property")
    if not found and call.operation.method == "PATCH":
        raise BadRequest(f"Invalid input for {noun}: there is nothing to change")
    return found
