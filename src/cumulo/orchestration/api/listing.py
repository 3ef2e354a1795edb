"""Which stacks a list shows, and in which order."""

from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.core.db.listing import Listing
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.http.paging import MAX_LIMIT, Page, limit_of, order_of
from cumulo.orchestration.api.bodies import flag_of
from cumulo.orchestration.model.stack import StackRow

_SORT = {
    "creation_time": "created_at",
    "updated_time": "updated_at",
    "stack_name": "name",
    "stack_status": "status",
}
_STATUSES = ("IN_PROGRESS", "COMPLETE", "FAILED")
Fits = Callable[[list[tuple[Any, ...]]], list[bool]]


def listed(
    call: Call, tx: Tx, listing: Listing[StackRow], where: dict[str, Any]
) -> tuple[Page[StackRow], int | None]:
    """The page that the request asks for, and how many there are in all where it asks that."""
    fits, limit, id = _tagged(call), limit_of(call), call.query.get("marker")
    marker = tx.get(StackRow, id) if id else None
    if id and marker is None:
        raise BadRequest(f"marker [{id}] not found")
    order = order_of(call, listing, _SORT, _order(call))
    count = None
    if flag_of(call.query.get("with_count"), "with_count"):
        count = listing.count(tx, where) if fits is None else _counted(tx, listing, where, fits)
    most = MAX_LIMIT if limit is None else limit
    if not most:
        return Page([], False), count
    if fits is None:
        rows = listing.page(tx, where=where, sort=order, marker=marker, limit=most)
        return Page(rows, len(rows) == most), count
    found = listing.look(
        tx, where=where, columns=("tags",), fits=fits, sort=order, marker=marker, limit=most
    )
    if found.cut and not found.rows:
        raise BadRequest("Too many stacks would have to be looked through; add another filter.")
    return Page(found.rows, found.more), count


def _counted(tx: Tx, listing: Listing[StackRow], where: dict[str, Any], fits: Fits) -> int:
    found = listing.look(tx, where=where, columns=("tags",), fits=fits, limit=MAX_LIMIT)
    return len(found.rows)


def _order(call: Call) -> list[tuple[str, str]] | None:
    """`sort_keys` is what Heat itself calls them; None: as everywhere."""
    keys = call.query.all("sort_keys")
    direction = call.query.get("sort_dir") or ""
    return [(key, direction) for each in keys for key in each.split(",")] if keys else None


def named(call: Call, where: dict[str, Any]) -> None:
    """The filters that name what stacks shall be."""
    for name, wanted in (("id", "id"), ("name", "name"), ("stack_name", "name")):
        found = call.query.all(name)
        if found:
            where[wanted] = found
    words = [*call.query.all("status"), *call.query.all("stack_status")]
    plain = [word for word in words if word in _STATUSES]
    if words and len(plain) == len(words):
        where["status"] = plain
    elif words:
        where["word"] = words
    actions = call.query.all("action")
    if actions:
        where["action"] = actions


def _tagged(call: Call) -> Fits | None:
    """What chooses stacks by the `tags` that the request names; None: all."""

    def wanted(key: str) -> set[str]:
        return {each for each in (call.query.get(key) or "").split(",") if each}

    every, some = wanted("tags"), wanted("tags_any")
    not_every, not_some = wanted("not_tags"), wanted("not_tags_any")
    if not (every or some or not_every or not_some):
        return None

    def fits(rows: list[tuple[Any, ...]]) -> list[bool]:
        held = [set(msgspec.json.decode(tags, type=list[str])) for _, tags in rows]
        return [
            every <= tags
            and (not some or bool(some & tags))
            and (not not_every or not not_every <= tags)
            and not not_some & tags
            for tags in held
        ]

    return fits
