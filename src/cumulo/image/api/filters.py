"""The query of a list of images: from its parameters to the filters of the listing."""

from typing import Any

from cumulo.core.clock import SECONDS, end_of_second, of_text
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.image.model.image import VISIBILITIES
from cumulo.image.patterns import PATTERNS, property_pattern, tag_pattern
from cumulo.image.service.patch import TYPES
from cumulo.image.service.protection import EVERYTHING, Access

_PAGING = frozenset(("limit", "marker", "sort_key", "sort_dir", "sort"))
_EXACT = frozenset(("owner", "checksum"))
_NUMBERS = frozenset(("size_min", "size_max", "min_disk", "min_ram", "size"))
_LISTS = frozenset(("name", "status", "id", "container_format", "disk_format"))
_MOMENTS = frozenset(("created_at", "updated_at"))
_OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")


def image_filters(call: Call, access: Access = EVERYTHING) -> dict[str, Any]:
    """What the parameters ask for. Raises BadRequest."""
    where: dict[str, Any] = {"os_hidden": False}
    tags: list[str] = []
    properties: list[str] = []
    unreadable = False
    for name, value in call.query.pairs:
        if name in _PAGING or name in ("visibility", "member_status"):
            continue
        if name == "name~":
            # An addition, as block storage has it: names that hold the text.
            where["name_part"] = value
        elif name == "tag":
            tags.append(tag_pattern(value))
        elif name in _LISTS:
            where[name] = _list_of(name, value)
        elif name in _NUMBERS:
            where[name] = as_int(value, name, minimum=0, maximum=2**62)
        elif name in ("protected", "os_hidden"):
            where[name] = as_bool(value, name)
        elif name in _MOMENTS:
            test, moment = _moment(name, value)
            where[f"{name}_{test}"] = moment
        elif name == "os_hash_value":
            where["hash_value"] = value
        elif name in _EXACT:
            where[name] = value
        elif name not in TYPES:
            properties.append(property_pattern(name, value))
            if not access.may("read", name):
                # Whoever may not read it must not find out by filtering.
                unreadable = True
    if len(tags) > PATTERNS or len(properties) > PATTERNS:
        raise BadRequest(f"A list can be filtered by {PATTERNS} tags or properties at most.")
    where.update({f"tag_{i}": text for i, text in enumerate(tags)})
    where.update({f"property_{i}": text for i, text in enumerate(properties)})
    where.update(_visibility(call))
    return {**where, "id": []} if unreadable else where


def _visibility(call: Call) -> dict[str, Any]:
    """Whose images: an administrator's list has all, a project's its own and what it accepted."""
    asked = call.query.get("visibility")
    answer = call.query.get("member_status")
    project = call.principal.project_id or ""
    where: dict[str, Any] = {}
    if asked is not None and asked not in (*VISIBILITIES, "all"):
        raise BadRequest(f"Invalid visibility value: {asked}")
    if answer is not None and answer not in ("pending", "accepted", "rejected", "all"):
        raise BadRequest(f"Invalid status: {answer}")
    if asked is not None and asked != "all":
        where["visibility"] = asked
    if call.principal.is_admin and answer is None:
        return where
    if asked == "community" or asked == "all":
        where["visible_to"] = project
    elif answer == "all":
        where["member_any"] = project
    elif answer is not None:
        where[f"member_{answer}"] = project
    else:
        where["in_list_of"] = project
    return where


def _list_of(name: str, value: str) -> list[str]:
    """`in:a,b,"c, d"` or one value."""
    if not value.startswith("in:"):
        return [value]
    found: list[str] = []
    rest = value.removeprefix("in:")
    while rest:
        if rest[0] == '"':
            inside, quote, rest = rest[1:].partition('"')
            if not quote or (rest and rest[0] != ","):
                raise BadRequest(f"Invalid filter value {value}: the quote is not closed.")
            rest = rest[1:]
        else:
            inside, _, rest = rest.partition(",")
            if '"' in inside:
                raise BadRequest(f"Invalid filter value {value}.")
        found.append(inside)
    if not found:
        raise BadRequest(f"Unable to filter by {name}: no value is given.")
    return found


def _moment(name: str, value: str) -> tuple[str, str]:
    """`gte:2026-01-01T00:00:00Z` as (test, moment)."""
    test, colon, text = value.partition(":")
    if not colon or test not in _OPERATORS:
        test, text = "eq", value
    try:
        moment = of_text(text)
    except ValueError:
        raise BadRequest(f"Unable to filter using the specified time: {name}={value:.80}") from None
    if test in ("eq", "neq"):
        return test, moment[:SECONDS]
    return test, end_of_second(moment) if test in ("lte", "gt") else moment
