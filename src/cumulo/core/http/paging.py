"""`limit`, `marker`, `sort_key`/`sort_dir` and `sort`, read once for all services."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from cumulo.core.db.listing import MOST_KEYS, Direction, Listing
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.wire.coercions import whole_or_none

R = TypeVar("R", bound=Row)
T = TypeVar("T")

MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    rows: list[T]
    more: bool
    """There may be rows after these (the page is full)."""


def page_of(
    call: Call,
    tx: Tx,
    listing: Listing[R],
    where: Mapping[str, Any],
    *,
    find_marker: Callable[[str], R | None],
    sort_names: Mapping[str, str] | None = None,
    sort: Sequence[tuple[str, str]] | None = None,
    always_limited: bool = True,
    style: Literal["sort", "neutron"] = "sort",
    offset: int = 0,
) -> Page[R]:
    """The rows that the request's paging parameters ask for.

    `sort_names` maps the API's names of sort keys to the listing's where they differ; a key that
    neither knows is a 400, and so are a bad limit, direction or marker. `sort`: the order that a
    service with rules of its own has read already, keys not yet looked at.
    """
    limit = limit_of(call)
    marker = _marker_of(call, find_marker)
    order = order_of(call, listing, sort_names or {}, sort)
    capped = MAX_LIMIT if limit is None and always_limited else limit
    if limit == 0 and style == "sort":
        return Page([], False)
    rows = listing.page(
        tx, where=where, sort=order, marker=marker, limit=capped or None, offset=offset
    )
    return Page(rows, capped is not None and len(rows) == capped and capped > 0)


def heads_of(
    call: Call,
    tx: Tx,
    listing: Listing[R],
    where: Mapping[str, Any],
    columns: tuple[str, ...],
    *,
    find_marker: Callable[[str], R | None],
    sort_names: Mapping[str, str],
) -> Page[tuple[Any, ...]]:
    """The same, of each row only these columns: see `Listing.heads`."""
    limit = limit_of(call)
    marker = _marker_of(call, find_marker)
    order = order_of(call, listing, sort_names)
    if limit == 0:
        return Page([], False)
    most = MAX_LIMIT if limit is None else limit
    rows = listing.heads(tx, columns, where=where, sort=order, marker=marker, limit=most)
    return Page(rows, len(rows) == most)


def _marker_of(call: Call, find_marker: Callable[[str], R | None]) -> R | None:
    marker_id = call.query.get("marker")
    if not marker_id:
        return None
    marker = find_marker(marker_id)
    if marker is None:
        raise BadRequest(f"marker [{marker_id}] not found")
    return marker


def limit_of(call: Call) -> int | None:
    text = call.query.get("limit")
    if text is None:
        return None
    limit = whole_or_none(text)
    if limit is None:
        raise BadRequest("limit param must be an integer")
    if limit < 0:
        raise BadRequest("limit param must be positive")
    return min(limit, MAX_LIMIT)


def offset_of(call: Call) -> int:
    """For the lists that are still cut by a number, too."""
    text = call.query.get("offset")
    offset = whole_or_none(text) if text else 0
    if offset is None:
        raise BadRequest("offset param must be an integer")
    if offset < 0:
        raise BadRequest("offset param must be positive")
    return offset


def order_of(
    call: Call,
    listing: Listing[R],
    names: Mapping[str, str],
    sort: Sequence[tuple[str, str]] | None = None,
) -> list[tuple[str, Direction]]:
    """The order that the request asks for, in the listing's names. Raises BadRequest."""
    return _sort_of(_wishes(call) if sort is None else sort, listing, names)


def _wishes(call: Call) -> list[tuple[str, str]]:
    combined = call.query.get("sort")
    if combined:
        parts = [part.strip().partition(":") for part in combined.split(",")]
        return [(key, direction or "desc") for key, _, direction in parts]
    keys, directions = call.query.all("sort_key"), call.query.all("sort_dir")
    return [
        (key, directions[i] if i < len(directions) else (directions[-1] if directions else ""))
        for i, key in enumerate(keys)
    ]


def _sort_of(
    wishes: Sequence[tuple[str, str]], listing: Listing[R], names: Mapping[str, str]
) -> list[tuple[str, Direction]]:
    sort: list[tuple[str, Direction]] = []
    if len(wishes) > MOST_KEYS:
        raise BadRequest(f"Invalid sort key: at most {MOST_KEYS} may be given")
    for key, direction in wishes:
        name = names.get(key, key)
        if name not in listing.sort_keys:
            raise BadRequest(f"Invalid sort key: {key}")
        lowered = direction.lower() or "asc"
        if lowered == "asc":
            sort.append((name, "asc"))
        elif lowered == "desc":
            sort.append((name, "desc"))
        else:
            raise BadRequest(f"Unknown sort direction: {direction}, must be asc or desc")
    return sort


def next_link(call: Call, page: Page[Any], marker: str | None) -> str | None:
    """The URL of the next page, or None on the last one."""
    if not page.more or marker is None:
        return None
    pairs = [(name, value) for name, value in call.query.pairs if name != "marker"]
    return f"{call.url}?{urlencode([*pairs, ('marker', marker)])}"
