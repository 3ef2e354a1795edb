"""The order of a list, as Glance's clients ask for it."""

from cumulo.core.db.listing import Direction
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call


def sort_of(call: Call) -> list[tuple[str, Direction]]:
    """`sort`, or `sort_key` and `sort_dir`; the newest first, where nothing else is said.

    One direction is that of all keys, and of the default key, too.
    """
    keys, ways = call.query.all("sort_key"), call.query.all("sort_dir")
    combined = call.query.get("sort")
    if combined is not None:
        if keys or ways:
            raise BadRequest("Old and new sorting syntax cannot be combined")
        parts = [part.partition(":") for part in combined.split(",")]
        return [(key.strip(), _direction(way.strip() or "desc")) for key, _, way in parts]
    if len(ways) > 1 and len(ways) != len(keys):
        raise BadRequest("Number of sort dirs does not match the number of sort keys")
    if not ways and not keys:
        return []
    found: list[Direction] = [_direction(way.strip()) for way in ways] or ["desc"]
    keys = keys or ["created_at"]
    if len(found) == 1:
        found *= len(keys)
    return [(key.strip(), way) for key, way in zip(keys, found, strict=True)]


def _direction(text: str) -> Direction:
    if text == "asc":
        return "asc"
    if text == "desc":
        return "desc"
    raise BadRequest(f"Invalid sort direction: {text}")
