"""Orders and limits of lists, as Gnocchi's and Aodh's clients write them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.db.listing import MOST_KEYS, Direction, Listing
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.http.paging import MAX_LIMIT, limit_of


def order(
    call: Call, listing: Listing[Any], names: Mapping[str, str] | None = None
) -> list[tuple[str, Direction]]:
    """`sort=name:desc-nullslast`, more than once or with commas; upwards unless it says so. Where
    nothing stands is first, whatever is said of that. Raises BadRequest."""
    made = [part for text in call.query.all("sort") for part in text.split(",") if part]
    return ordered([tuple(each.split(":", 1)) for each in made], listing, names)


def ordered(
    wishes: Sequence[tuple[str, ...]],
    listing: Listing[Any],
    names: Mapping[str, str] | None = None,
) -> list[tuple[str, Direction]]:
    """(key, direction) in the listing's names. Raises BadRequest."""
    if len(wishes) > MOST_KEYS:
        raise BadRequest(f"Invalid sort key: at most {MOST_KEYS} may be given")
    found: list[tuple[str, Direction]] = []
    for key, *rest in wishes:
        name = (names or {}).get(key, key)
        if name not in listing.sort_keys:
            raise BadRequest(f"Sort key supplied is invalid: {key[:80]}")
        word = rest[0].lower() if rest else "asc"
        for end in ("-nullsfirst", "-nullslast"):
            word = word.removesuffix(end)
        if word not in ("asc", "desc"):
            raise BadRequest(f"Invalid sort direction: {word[:40]}, must be asc or desc")
        found.append((name, "desc" if word == "desc" else "asc"))
    return found


def limited(call: Call) -> int:
    """How many rows a page has. Raises BadRequest."""
    limit = limit_of(call)
    if limit == 0:
        raise BadRequest("Limit should be positive")
    return MAX_LIMIT if limit is None else limit


def flag(call: Call, name: str) -> bool:
    """Of the query; raises BadRequest for what is neither."""
    text = (call.query.get(name) or "").lower()
    if text in ("", "false", "0", "no"):
        return False
    if text in ("true", "1", "yes"):
        return True
    raise BadRequest(f"Invalid value for {name}: it is true or false")
