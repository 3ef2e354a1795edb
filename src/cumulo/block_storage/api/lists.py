"""What block storage's lists have in common."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.db.listing import Listing
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.http.paging import Page, next_link
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import Version

WITH_COUNT = Version(3, 45)


def own_or_all(call: Call) -> dict[str, Any]:
    """Whose rows: the caller's project's; an administrator may ask for all, or for another's."""
    where: dict[str, Any] = {}
    everybody = call.query.get("all_tenants") or call.query.get("all_projects")
    if call.principal.is_admin:
        asked = call.query.get("project_id") or call.query.get("tenant_id")
        if asked is not None:
            return {"project_id": asked}
        if everybody is not None and as_bool(everybody or "true", "all_tenants"):
            return where
    if call.principal.project_id is None:
        raise BadRequest("A token that is scoped to a project is required.")
    return {"project_id": call.principal.project_id}


def filtered(call: Call, names: Sequence[str]) -> dict[str, Any]:
    """The filters of these names that the query has; `name~` finds a part of a name."""
    where: dict[str, Any] = {}
    for name in names:
        value = call.query.get(name)
        if value is not None:
            where[name] = value.strip("'\"")
    if "name" in names and call.query.get("name~"):
        where["name_part"] = call.query.get("name~")
    return where


def offset_of(call: Call) -> int:
    """So many rows are passed over, after the marker if there is one."""
    return as_int(call.query.get("offset") or 0, "offset", minimum=0, maximum=2**31 - 1)


def links(call: Call, collection: str, id: str) -> list[dict[str, str]]:
    project = call.principal.project_id
    return [
        {"rel": "self", "href": f"{call.base_url}/v3/{project}/{collection}/{id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{project}/{collection}/{id}"},
    ]


def counted(call: Call, tx: Tx, listing: Listing[Any], where: Mapping[str, Any]) -> dict[str, int]:
    """`with_count` (3.45): how many there are on all pages."""
    asked = call.query.get("with_count")
    if asked is None or call.version is None or call.version < WITH_COUNT:
        return {}
    return {"count": listing.count(tx, where)} if as_bool(asked, "with_count") else {}


def page_links(call: Call, page: Page[Any], name: str) -> dict[str, Any]:
    """The link of the next page, where the client has set the page's size."""
    if call.query.get("limit") is None and not page.more:
        return {}
    following = next_link(call, page, page.rows[-1].id if page.rows else None)
    return {} if following is None else {name: [{"rel": "next", "href": following}]}
