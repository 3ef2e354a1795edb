"""What the lists and operations of all nouns have in common."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from cumulo.core.clock import Moment, of_text
from cumulo.core.db.listing import Listing
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, next_link
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import Body, Version

MOST_METADATA = 128
MOST_METADATA_FILTERS = 8
_OF_ALL_LISTS = ("limit", "offset", "marker", "sort_key", "sort_dir", "sort", "all_tenants",
                 "all_projects", "project_id", "with_count", "status")  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Text255 = Annotated[str, msgspec.Meta(max_length=255)]
Metadata = dict[
    Annotated[str, msgspec.Meta(min_length=1, max_length=255)],
    Annotated[str, msgspec.Meta(min_length=1, max_length=1023)],
]
Handler = Callable[..., Any]


class MetadataBody(Body):
    metadata: Metadata


class MetaBody(Body):
    meta: Metadata


def renamed(
    method: str, old: str, new: str, handler: Handler, policy: str, **more: Any
) -> list[Operation]:
    """An operation whose path lost its `os-` with 2.7."""
    return [
        Operation(method, old, handler, policy=policy, until="2.6", **more),
        Operation(method, new, handler, policy=policy, since="2.7", **more),
    ]


def whose(call: Call) -> dict[str, Any]:
    """Whose rows: the caller's project's; an administrator may ask for all, or for another's."""
    everybody = call.query.get("all_tenants") or call.query.get("all_projects")
    if call.principal.is_admin and everybody is not None and as_bool(everybody, "all_tenants"):
        asked = call.query.get("project_id")
        return {} if asked is None else {"project_id": asked}
    if call.principal.project_id is None:
        raise BadRequest("A token that is scoped to a project is required.")
    return {"project_id": call.principal.project_id}


FILTERS_SINCE = {
    "export_location_id": Version(2, 35),
    "export_location_path": Version(2, 35),
    "name~": Version(2, 36),
    "description~": Version(2, 36),
    "display_name~": Version(2, 36),
    "extra_specs": Version(2, 43),
    "is_soft_deleted": Version(2, 69),
    "availability_zone": Version(2, 97),
}
"""Filters that came later; before, they say nothing."""
ZONES_OF_TYPES = Version(2, 48)
"""From here on a share type may say in which zones its shares are."""


def given(call: Call, name: str) -> str | None:
    """The filter's value, if the query names it and the request's version knows it."""
    return call.query.get(name) if knows(call, FILTERS_SINCE.get(name)) else None


def knows(call: Call, since: Version | None) -> bool:
    """The request's version is not older than that."""
    return since is None or call.version is None or call.version >= since


def asks_for_unknown(call: Call, known: Sequence[str]) -> bool:
    """An administrator's list by what no row has is empty, as Manila has it."""
    return call.principal.is_admin and bool(call.query.names() - {*known, *_OF_ALL_LISTS})


def filters(call: Call, names: Sequence[str], numbers: Sequence[str] = ()) -> dict[str, Any]:
    """The filters that the query names, as the listing has them."""
    found: dict[str, Any] = {}
    for name in names:
        value = given(call, name)
        if value is not None:
            found[name.replace("~", "_like")] = value
    for name in numbers:
        value = call.query.get(name)
        if value is not None:
            found[name] = as_int(value, name)
    return found


def day(call: Call, name: str) -> Moment:
    """A filter that is a day: `2026-11-29`."""
    text = call.query.get(name) or ""
    if not _DAY.fullmatch(text):
        raise BadRequest(f"{text:.40} is not in yyyy-mm-dd format.")
    return moment(call, name)


def moment(call: Call, name: str) -> Moment:
    """A filter that is a time."""
    text = call.query.get(name) or ""
    try:
        return of_text(text)
    except ValueError:
        raise BadRequest(f"Invalid value specified for the query key: {name}") from None


def metadata_filters(text: str, what: str = "metadata") -> dict[str, str]:
    """`{"key": "value"}`, also as Python writes it."""
    try:
        wanted = msgspec.json.decode(text.replace("'", '"'), type=dict[str, str])
    except msgspec.MsgspecError:
        raise BadRequest(f"Invalid filter {what}: {text:.100}") from None
    if len(wanted) > MOST_METADATA_FILTERS:
        raise BadRequest(f"A list can be filtered by {MOST_METADATA_FILTERS} items of {what}.")
    pieces = (msgspec.json.encode({key: value}).decode()[1:-1] for key, value in wanted.items())
    return {f"metadata_{i}": piece for i, piece in enumerate(pieces)}


def counted(call: Call, tx: Tx, listing: Listing[Any], where: Mapping[str, Any]) -> Any:
    """With `with_count`: how many there are in all."""
    if not as_bool(call.query.get("with_count") or "false", "with_count"):
        return msgspec.UNSET
    return listing.count(tx, where)


def offset_of(call: Call) -> int:
    return as_int(call.query.get("offset") or 0, "offset", minimum=0, maximum=2**31 - 1)


def links(call: Call, collection: str, id: str) -> list[dict[str, str]]:
    project = call.principal.project_id
    return [
        {"rel": "self", "href": f"{call.base_url}/v2/{project}/{collection}/{id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{project}/{collection}/{id}"},
    ]


def page_links(call: Call, page: Page[Any]) -> list[dict[str, str]] | msgspec.UnsetType:
    """The link of the next page, where the client has set the page's size."""
    if call.query.get("limit") is None and not page.more:
        return msgspec.UNSET
    following = next_link(call, page, page.rows[-1].id if page.rows else None)
    return msgspec.UNSET if following is None else [{"rel": "next", "href": following}]


def refuse_too_much(metadata: Mapping[str, str]) -> None:
    if len(metadata) > MOST_METADATA:
        raise BadRequest(f"Metadata has more than {MOST_METADATA} items.")


def one_item(metadata: Mapping[str, str], key: str) -> dict[str, str]:
    if key not in metadata:
        raise NotFound("Metadata item was not found.")
    return {key: metadata[key]}


def mine(call: Call, project_id: str, user_id: str = "") -> None:
    """The operation's own rule on what was found."""
    call.allow({"project_id": project_id, "user_id": user_id})
