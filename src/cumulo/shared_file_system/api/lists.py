"""What the lists and operations of all nouns have in common."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, next_link
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import Body

MOST_METADATA = 128
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


def filters(call: Call, names: Sequence[str], numbers: Sequence[str] = ()) -> dict[str, Any]:
    """The filters that the query names, as the listing has them."""
    found: dict[str, Any] = {}
    for name in names:
        value = call.query.get(name)
        if value is not None:
            found[name.replace("~", "_like")] = value
    for name in numbers:
        value = call.query.get(name)
        if value is not None:
            found[name] = as_int(value, name)
    return found


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
