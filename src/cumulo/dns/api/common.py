"""What all resources of the DNS API share: faults, callers, pages, links."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import UNSET

from cumulo.core.db.listing import Listing
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.http.operations import Call
from cumulo.dns.service.refusals import InvalidObject, bad_request, wrong
from cumulo.dns.service.scope import Scope

R = TypeVar("R", bound=Row)

JSON = "application/json"
DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
IDS = ("zone_id", "recordset_id", "share_id", "id")
"""Parts of paths that are ids."""
_KINDS = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "unsupported_accept",
    409: "duplicate",
    413: "over_quota",
    415: "unsupported_content_type",
}
_TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))


def envelope(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """How Designate words a refusal: code, type, message, and the errors of a body."""
    kind = fault.kind
    if kind == "BadRequest" and status == 400:
        # Raised where bodies are decoded: a part that is not known or not of its type.
        kind = "invalid_object"
    elif not kind.islower():
        kind = _KINDS.get(status, "unknown")
    content: dict[str, Any] = {
        "code": status,
        "type": kind,
        "message": fault.message,
        "request_id": request_id,
    }
    if kind == "invalid_object":
        found = fault.errors if isinstance(fault, InvalidObject) else []
        content["errors"] = {"errors": found or [wrong([], fault.message)]}
    return JSON, msgspec.json.encode(content)


def _noun_of(path: str) -> str:
    """`tld` of `/v2/tlds/{id}`."""
    return path.rpartition("/{id}")[0].rpartition("/")[2].removesuffix("s")


def _is_id(text: str) -> bool:
    """Also without dashes, as OpenStack takes them."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def is_true(text: str | None) -> bool:
    return text is not None and text.strip().lower() in _TRUE


def scope_of(call: Call) -> Scope:
    """For whom the request is made. Headers that only some may send are checked here, and ids."""
    for name in IDS:
        if name in call.path and not _is_id(call.path[name]):
            noun = name if name != "id" else f"{_noun_of(call.operation.path)}_id"
            raise bad_request(f"Invalid UUID {noun}: {call.path[name]:.80}", "invalid_uuid")
    sudo = call.header("X-Auth-Sudo-Project-ID") or call.header("X-Auth-Sudo-Tenant-ID")
    if sudo:
        call.allow({}, "use_sudo")
        if len(sudo) > 64:
            raise bad_request("X-Auth-Sudo-Project-ID is no project's id")
        call.principal = msgspec.structs.replace(call.principal, project_id=sudo)
    all_projects = is_true(call.header("X-Auth-All-Projects"))
    for name in ("all_projects", "all_tenants"):
        given = call.query.get(name)
        all_projects = all_projects if given is None else is_true(given)
    if all_projects:
        call.allow({}, "all_tenants")
    given = call.query.get("edit_managed_records")
    edit_managed = is_true(given or call.header("X-Designate-Edit-Managed-Records"))
    if edit_managed:
        call.allow({}, "edit_managed_records")
    if is_true(call.header("X-Designate-Hard-Delete")):
        call.allow({}, "hard_delete")
    return Scope(
        principal=call.principal,
        project_id=call.principal.project_id,
        all_projects=all_projects,
        edit_managed=edit_managed,
        low_ttl=call.allowed("use_low_ttl", {}),
        blacklisted=call.allowed("use_blacklisted_zone", {}),
        request_id=call.request_id,
    )


def given(body: msgspec.Struct) -> dict[str, Any]:
    """The fields that the request has."""
    pairs = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: value for name, value in pairs if value is not UNSET}


def changes_of(
    body: msgspec.Struct, shown: Mapping[str, Any], writable: Sequence[str], noun: str
) -> dict[str, Any]:
    """What a request changes. Clients may send back whole resources: what is not theirs to write
    has to be as it is (`shown`; nothing, for a new one)."""
    values = given(body)
    wrongly = [
        name
        for name, value in values.items()
        if name not in writable and (name not in shown or not _same(name, shown[name], value))
    ]
    if wrongly:
        message = f"Provided object does not match schema. Keys {wrongly} are not valid for {noun}"
        raise InvalidObject(*(wrong([name], message, "read_only", name) for name in wrongly))
    return {name: value for name, value in values.items() if name in writable}


def _same(name: str, shown: Any, given: Any) -> bool:
    """Names have no case."""
    if name == "name" and isinstance(given, str) and isinstance(shown, str):
        return shown.lower() == given.lower()
    return bool(shown == given)


def filters_of(
    call: Call, plain: Sequence[str], patterns: Sequence[str], more: Sequence[str] = ()
) -> dict[str, Any]:
    """Filters of a list: exact ones, and those in which `*` stands for anything."""
    paging = {"limit", "marker", "sort_key", "sort_dir", "all_projects", "all_tenants"}
    asked = [name for name, _ in call.query.pairs if name not in paging | {"edit_managed_records"}]
    twice = sorted({name for name in asked if asked.count(name) > 1})
    if twice:
        raise bad_request(f"Duplicate filters {', '.join(twice)}")
    unknown = [name for name in asked if name not in (*plain, *patterns, *more)]
    if unknown:
        raise bad_request(f"Invalid filters {', '.join(unknown)}")
    values = {name: call.query.get(name) or "" for name in asked}
    where: dict[str, Any] = {name: values[name] for name in asked if name in plain}
    where.update({name: pattern_of(values[name]) for name in asked if name in patterns})
    return where


def pattern_of(text: str) -> str:
    """A filter as a pattern of SQL: `*` for anything, all else for itself."""
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("*", "%")


def named(where: dict[str, Any], call: Call) -> None:
    """The filter by name: names are kept in lower case."""
    name = (call.query.get("name") or "").lower()
    if "*" in name:
        where["name_like"] = pattern_of(name)
    elif "name" in call.query.names():
        where["name"] = name


def number_filter(where: dict[str, Any], name: str) -> None:
    if name in where:
        text = where[name]
        if not text.isascii() or not text.isdecimal() or len(text) > 12:
            raise bad_request(f"{name} has to be a number")
        where[name] = int(text)


def limit_of(call: Call) -> int:
    text = call.query.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if text.lower() == "max":
        return MAX_LIMIT
    if not text.isascii() or not text.isdecimal() or not int(text[:20]) > 0:
        message = f"limit should be an integer between 1 and {MAX_LIMIT}"
        raise bad_request(message, "invalid_limit")
    return min(int(text[:20]), MAX_LIMIT)


def page_of(
    call: Call,
    tx: Tx,
    listing: Listing[R],
    where: Mapping[str, Any],
    find_marker: Callable[[str], R | None],
) -> list[R]:
    key, direction = call.query.get("sort_key"), call.query.get("sort_dir")
    if direction not in (None, "", "asc", "desc"):
        message = "Unknown sort direction, must be 'desc' or 'asc'"
        raise bad_request(message, "invalid_sort_dir")
    if key and key not in listing.sort_keys:
        raise bad_request(f"sort key must be one of {list(listing.sort_keys)}", "invalid_sort_key")
    marker_id, marker = call.query.get("marker"), None
    if marker_id:
        marker = find_marker(marker_id)
        if marker is None:
            raise bad_request(f"Marker {marker_id:.60} could not be found", "marker_not_found")
    word = "desc" if direction == "desc" else "asc"
    sort = listing.default_sort if not key else ((key, "asc"),)
    return listing.page(
        tx,
        where=where,
        sort=[(name, "desc" if word == "desc" else "asc") for name, _ in sort],
        marker=marker,
        limit=limit_of(call),
    )


def page_body(
    call: Call, noun: str, items: list[Any], total: int | None, last_id: str | None
) -> dict[str, Any]:
    """A page with its links and how many there are in all."""
    pairs = [(name, value) for name, value in call.query.pairs if name != "marker"]
    query = urlencode(call.query.pairs)
    links = {"self": f"{call.url}?{query}" if query else call.url}
    if len(items) == limit_of(call):
        links["next"] = f"{call.url}?{urlencode([*pairs, ('marker', last_id)])}"
    metadata = {} if total is None else {"total_count": total}
    return {noun: items, "links": links, "metadata": metadata}


def counted(call: Call, count: Callable[[], int]) -> int | None:
    return None if is_true(call.header("OpenStack-DNS-Hide-Counts")) else count()


def link(call: Call, *parts: str) -> str:
    return "/".join((call.base_url, "v2", *parts))
