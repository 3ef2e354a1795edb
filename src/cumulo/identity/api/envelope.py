"""What all of identity's lists and objects have in common on the wire."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.wire.coercions import as_bool
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID


def self_link(call: Call, collection: str, id: str) -> dict[str, str]:
    return {"self": f"{call.base_url}/v3/{collection}/{id}"}


def listed(call: Call, collection: str, items: Sequence[Any]) -> dict[str, Any]:
    """A list, in the order and with the part of it that the query asks for.

    `sort` (or `sort_key` and `sort_dir`) orders it, `marker` is the id after which it starts,
    `limit` truncates it. Identity's lists are otherwise not paged.
    """
    found = _after(call.query.get("marker"), _sorted(call, items))
    links: dict[str, str | None] = {"next": None, "self": call.url, "previous": None}
    body: dict[str, Any] = {"links": links}
    limit = call.query.get("limit")
    if limit is not None:
        if not limit.isdecimal():
            raise BadRequest("limit must be a positive integer")
        if 0 < int(limit) < len(found):
            found = found[: int(limit)]
            body["truncated"] = True
            if "id" in found[-1]:
                pairs = [pair for pair in call.query.pairs if pair[0] != "marker"]
                links["next"] = f"{call.url}?{urlencode([*pairs, ('marker', found[-1]['id'])])}"
    body[collection] = found
    return body


def _sorted(call: Call, items: Sequence[Any]) -> list[Any]:
    """Keys that an item does not have, or that are not plain, are left out of account."""
    wishes = [part.partition(":")[::2] for part in (call.query.get("sort") or "").split(",")]
    if call.query.get("sort_key"):
        wishes = [(call.query.get("sort_key", "") or "", call.query.get("sort_dir", "") or "")]
    found = list(items)
    for key, direction in reversed(wishes):
        if key:
            found.sort(key=lambda item: _order(item.get(key)), reverse=direction == "desc")
    return found


def _order(value: object) -> tuple[int, str]:
    return (1, str(value)) if isinstance(value, str | bool | int) else (0, "")


def _after(marker: str | None, items: list[Any]) -> list[Any]:
    if not marker:
        return items
    for index, item in enumerate(items):
        if item.get("id") == marker:
            return items[index + 1 :]
    raise BadRequest(f"Marker {marker} could not be found.")


def flag(call: Call, name: str) -> bool:
    """A switch in the query: on when it is there, unless its value says no."""
    value = call.query.get(name)
    return value is not None and value.lower() not in ("0", "f", "false", "off", "n", "no")


def own_domain(call: Call, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a token for a domain only what is in it is to be seen."""
    mine = call.principal.domain_id
    return items if mine is None else [item for item in items if item.get("domain_id") == mine]


def home_domain(call: Call) -> str:
    """The domain of what a client makes without naming one."""
    return call.principal.domain_id or call.principal.project_domain_id or DEFAULT_DOMAIN_ID


def filters(call: Call, *names: str) -> dict[str, Any]:
    """The exact-match filters among the query's names."""
    found: dict[str, Any] = {}
    for name in names:
        value = call.query.get(name)
        if value is not None:
            found[name] = as_bool(value or "true", name) if name == "enabled" else value
    return found


def matching(call: Call, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The inexact filters: `name__contains=x`, `name__startswith`, `__endswith`, `__i…`."""
    for key, wanted in call.query.pairs:
        name, mark, test = key.partition("__")
        if not mark:
            continue
        fold = test.startswith("i")
        test = test.removeprefix("i") if fold else test
        if test not in ("contains", "startswith", "endswith"):
            continue
        items = [item for item in items if _matches(item.get(name), wanted, test, fold)]
    return items


def _matches(value: object, wanted: str, test: str, fold: bool) -> bool:
    if not isinstance(value, str):
        return False
    if fold:
        value, wanted = value.lower(), wanted.lower()
    if test == "contains":
        return wanted in value
    if test == "startswith":
        return value.startswith(wanted)
    return value.endswith(wanted)


class Wrapped(msgspec.Struct):
    """`{"user": {…}}`: the attributes are checked by the service, made-up ones are kept."""

    domain: dict[str, Any] | None = None
    project: dict[str, Any] | None = None
    user: dict[str, Any] | None = None
    group: dict[str, Any] | None = None
    role: dict[str, Any] | None = None
    region: dict[str, Any] | None = None
    service: dict[str, Any] | None = None
    endpoint: dict[str, Any] | None = None
    credential: dict[str, Any] | None = None
    endpoint_group: dict[str, Any] | None = None
    policy: dict[str, Any] | None = None


def unwrapped(call: Call, noun: str) -> dict[str, Any]:
    found: dict[str, Any] | None = getattr(call.body, noun)
    if found is None:
        raise BadRequest(f"Invalid input: '{noun}' is a required property")
    if not found and call.operation.method == "PATCH":
        raise BadRequest(f"Invalid input for {noun}: there is nothing to change")
    return found
