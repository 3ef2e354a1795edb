"""Lists: filters on any attribute, sorting, paging and its links, once for all nouns.

What is a column is filtered in the database; any other attribute on the finished bodies, before
the page is cut. A filter that is named several times means any of the values.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from cumulo.core.db.listing import MOST_KEYS, Direction
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.http.paging import MAX_LIMIT
from cumulo.core.wire.coercions import as_bool, whole_or_none
from cumulo.network.api.attributes import Noun, present
from cumulo.network.service.refusals import unfit

PAGING = frozenset({"limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"})
TAGS = ("tags", "tags-any", "not-tags", "not-tags-any")

NO_PROJECT = "-"
"""The id of no project: what a token for a domain or for nothing sees is shared only."""

Late = Callable[[dict[str, Any]], bool]


def list_of(
    call: Call, tx: Tx, noun: Noun[Any], within: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answer to `GET /v2.0/{path}`. `within`: what all of the list is in, which its caller has
    found to be seen."""
    listing = noun.verbs.listing
    where, late = _filters(call, noun)
    where |= within or {}
    if within is None and not call.allowed("context_is_admin", {}):
        # What belongs to no project (gateways of routers, say) is not everybody's.
        where["visible_to"] = call.principal.project_id or NO_PROJECT
    asked, marker, backwards = _paging(call, tx, noun)
    # A list that nobody limited is cut too, and says where it goes on.
    limit = min(asked or MAX_LIMIT, MAX_LIMIT)
    sort = _sort(call, listing.wire)
    order = [(key, _turned(way) if backwards else way) for key, way in sort]
    rows = listing.page(tx, where=where, sort=order, marker=marker, limit=None if late else limit)
    if late:
        keep = {
            body["id"]
            for body in (noun.show(tx, rows) if rows else ())
            if all(check(body) for check in late)
        }
        rows = [row for row in rows if row.id in keep][:limit]
    if backwards:
        rows.reverse()
    answer: dict[str, Any] = {noun.plural: present(call, noun, tx, rows)}
    if asked or len(rows) >= limit:
        ids = [row.id for row in rows]
        links = _links(call, ids, limit, backwards)
        if links:
            answer[f"{noun.plural}_links"] = links
    return answer


def _filters(call: Call, noun: Noun[Any]) -> tuple[dict[str, Any], list[Late]]:
    listing = noun.verbs.listing
    asked: dict[str, list[str]] = {}
    for name, value in call.query.pairs:
        if "\0" in value:
            raise unfit(name, "a null character is no part of any value")
        if name not in PAGING:
            name = "project_id" if name == "tenant_id" else noun.aliases.get(name, name)
            name = noun.synonyms.get(name, name)
            asked.setdefault(name, []).append(value)
    where: dict[str, Any] = {}
    late: list[Late] = []
    if "name_part" in listing.filters and "name~" in asked:
        # An addition, as block storage has it: names that hold the text.
        where["name_part"] = asked.pop("name~")[-1]
    unknown = []
    for name, values in asked.items():
        if name in listing.wire:
            column, kind = listing.wire[name]
            where[column] = [_value(name, value, kind) for value in values]
        elif name == "fixed_ips" and noun.name == "port":
            _of_addresses(where, listing.filters, values)
        elif name == "security_groups" and noun.name == "port":
            where[name] = values
        elif name in noun.filters:
            where[name] = [_value(name, value, noun.filters[name]) for value in values]
        elif name == "shared" and "shared_to" in listing.filters:
            wanted = _value(name, values[-1], bool)
            project = call.principal.project_id or NO_PROJECT
            where["shared_to" if wanted else "not_shared_to"] = project
        elif name in TAGS and noun.tags:
            late.append(_tags(name, values))
        elif name in noun.shown:
            late.append(_equal(name, values))
        else:
            unknown.append(name)
    if unknown:
        listed = ", ".join(repr(name) for name in sorted(unknown))
        raise BadRequest(f"[{listed}] is invalid attribute for filtering", kind="HTTPBadRequest")
    return where, late


def _of_addresses(where: dict[str, Any], known: Collection[str], values: Sequence[str]) -> None:
    """The filters `fixed_ips=subnet_id=…` and so on."""
    for value in values:
        part, sign, wanted = value.partition("=")
        if not sign or f"fixed_ips_{part}" not in known:
            raise unfit("fixed_ips", f"'{value}' is not name=value")
        if part == "ip_address_substr":
            where["fixed_ips_ip_address_substr"] = wanted
        else:
            where.setdefault(f"fixed_ips_{part}", []).append(wanted)


def _value(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        try:
            return as_bool(text, name)
        except BadRequest:
            raise unfit(name, f"'{text}' cannot be converted to boolean") from None
    if kind is int:
        number = whole_or_none(text)
        if number is None:
            raise unfit(name, f"'{text:.80}' is not an integer")
        return number
    return text


def _tags(name: str, values: Sequence[str]) -> Late:
    wanted = {tag for value in values for tag in value.split(",")}
    checks: dict[str, Callable[[set[str]], bool]] = {
        "tags": lambda have: wanted <= have,
        "tags-any": lambda have: bool(wanted & have),
        "not-tags": lambda have: not wanted <= have,
        "not-tags-any": lambda have: not wanted & have,
    }
    check = checks[name]
    return lambda body: check(set(body["tags"]))


def _equal(name: str, values: Sequence[str]) -> Late:
    wanted = set(values)

    def check(body: dict[str, Any]) -> bool:
        found = body.get(name)
        if isinstance(found, list):
            return any(str(each) in wanted for each in found)
        if isinstance(found, bool):
            return any(as_bool(value, name) is found for value in wanted)
        return ("" if found is None else str(found)) in wanted

    return check


def _paging(call: Call, tx: Tx, noun: Noun[Any]) -> tuple[int | None, Any, bool]:
    """(limit, the marker's row, backwards)"""
    text = call.query.get("limit")
    limit = None
    if text is not None:
        limit = whole_or_none(text)
        if limit is None or limit < 0:
            raise BadRequest(
                f"Invalid input for 'limit'. Reason: '{text:.80}' is not a non-negative integer.",
                kind="HTTPBadRequest",
            )
        limit = min(limit, 2**31) or None
    marker_id = call.query.get("marker")
    marker = None
    if marker_id:
        marker = noun.verbs.get(tx, marker_id, call.principal)
    backwards = (call.query.get("page_reverse") or "").lower() == "true"
    return limit, marker, backwards


def _sort(call: Call, known: Any) -> list[tuple[str, Direction]]:
    keys, ways = call.query.all("sort_key"), call.query.all("sort_dir")
    if ways and len(keys) != len(ways):
        raise BadRequest(
            "The number of sort_keys and sort_dirs must be same", kind="HTTPBadRequest"
        )
    if len(keys) > MOST_KEYS:
        raise BadRequest(f"At most {MOST_KEYS} sort_keys may be given", kind="HTTPBadRequest")
    found: list[tuple[str, Direction]] = []
    for index, key in enumerate(keys):
        name = "project_id" if key == "tenant_id" else key
        if name not in known:
            raise BadRequest(f"['{key}'] is invalid attribute for sort_keys", kind="HTTPBadRequest")
        way = ways[index].lower() if ways else "asc"
        if way not in ("asc", "desc"):
            raise BadRequest(
                f"['{way}'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'",
                kind="HTTPBadRequest",
            )
        found.append((known[name][0], "desc" if way == "desc" else "asc"))
    if not any(key == "id" for key, _ in found):
        found.append(("id", "asc"))
    return found


def _turned(way: Direction) -> Direction:
    return "asc" if way == "desc" else "desc"


def _links(call: Call, ids: list[str], limit: int, backwards: bool) -> list[dict[str, str]]:
    """The next page unless this one was not full; the previous one likewise, going back."""
    kept = [pair for pair in call.query.pairs if pair[0] not in ("marker", "page_reverse")]
    links = []
    full = len(ids) >= limit
    # An empty page leads back, too: from the end, or from the beginning.
    if full or backwards:
        query = urlencode([*kept, *(("marker", id) for id in ids[-1:])])
        links.append({"rel": "next", "href": f"{call.url}?{query}"})
    if full or not backwards:
        before = [("marker", id) for id in ids[:1]]
        query = urlencode([*kept, *before, ("page_reverse", "True")])
        links.append({"rel": "previous", "href": f"{call.url}?{query}"})
    return links
