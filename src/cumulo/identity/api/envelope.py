"""What all of identity's lists and objects have in common on the wire."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.wire.coercions import as_bool


def self_link(call: Call, collection: str, id: str) -> dict[str, str]:
    return {"self": f"{call.base_url}/v3/{collection}/{id}"}


def listed(call: Call, collection: str, items: Sequence[Any]) -> dict[str, Any]:
    """A list: identity's are not paged; `limit` truncates."""
    limit = call.query.get("limit")
    body: dict[str, Any] = {"links": {"next": None, "self": call.url, "previous": None}}
    if limit is not None:
        if not limit.isdecimal():
            raise BadRequest("limit must be a positive integer")
        if len(items) > int(limit):
            items = items[: int(limit)]
            body["truncated"] = True
    body[collection] = items
    return body


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
        fold = test.startswith("i") and test != "in"
        test = test.removeprefix("i") if fold else test
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
    if test == "endswith":
        return value.endswith(wanted)
    return True


class Wrapped(msgspec.Struct):
    """`{"user": {…}}`: the attributes are checked by the service, made-up ones are kept."""

    domain: dict[str, Any] | None = None
    project: dict[str, Any] | None = None
    user: dict[str, Any] | None = None
    role: dict[str, Any] | None = None
    region: dict[str, Any] | None = None
    service: dict[str, Any] | None = None
    endpoint: dict[str, Any] | None = None


def unwrapped(call: Call, noun: str) -> dict[str, Any]:
    found: dict[str, Any] | None = getattr(call.body, noun)
    if found is None:
        raise BadRequest(f"Invalid input: '{noun}' is a required property")
    return found
