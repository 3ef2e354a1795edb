"""What placement's operations share on the wire: links, headers of freshness, asked resources."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta

from cumulo.core.clock import Moment
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.core.wire.shapes import Before, Body, Since, StrictBody, Unset, Version
from cumulo.placement.interface import Inventory
from cumulo.placement.model.provider import InventoryRow, ProviderRow

_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)
MAX_INT = 2**31 - 1

Amount = Annotated[int, Meta(ge=1, le=MAX_INT)]


def uuid_of(text: str, what: str) -> str:
    if not _UUID.fullmatch(text):
        raise BadRequest(f"Invalid uuid for {what}: {text!r}")
    return text.lower()


def fresh(body: Any, moments: Iterable[Moment], status: int | None = None) -> Reply:
    """An answer that caches may not keep (placement API 1.15)."""
    newest = max(moments, default="")
    when = datetime.fromisoformat(newest).replace(tzinfo=UTC) if newest else datetime.now(UTC)
    headers = {"Last-Modified": format_datetime(when, usegmt=True), "Cache-Control": "no-cache"}
    return Reply(status, body, headers)


def _without(*names: str) -> Any:
    return lambda links: [link for link in links if link["rel"] not in names]


class ProviderBody(Body, kw_only=True):
    uuid: str
    name: str
    generation: int
    parent_provider_uuid: Annotated[str | Unset | None, Since("1.14")] = None
    root_provider_uuid: Annotated[str | Unset, Since("1.14")] = UNSET
    links: Annotated[
        list[dict[str, str]],
        Before("1.1", _without("aggregates")),
        Before("1.6", _without("traits")),
        Before("1.11", _without("allocations")),
    ]


def provider_body(call: Call, row: ProviderRow) -> ProviderBody:
    path = f"/placement/resource_providers/{row.id}"
    names = ("inventories", "usages", "aggregates", "traits", "allocations")
    links = [{"rel": "self", "href": path}]
    links += [{"rel": name, "href": f"{path}/{name}"} for name in names]
    return ProviderBody(
        uuid=row.id,
        name=row.name,
        generation=row.generation,
        parent_provider_uuid=row.parent_id,
        root_provider_uuid=row.root_id,
        links=links,
    )


class InventoryWish(StrictBody):
    total: Amount
    reserved: Annotated[int, Meta(ge=0, le=MAX_INT)] = 0
    min_unit: Amount = 1
    max_unit: Amount = MAX_INT
    step_size: Amount = 1
    allocation_ratio: Annotated[float, Meta(gt=0, le=3.40282e38)] = 1.0

    def inventory(self) -> Inventory:
        return Inventory(
            total=self.total,
            reserved=self.reserved,
            min_unit=self.min_unit,
            max_unit=self.max_unit,
            step_size=self.step_size,
            allocation_ratio=self.allocation_ratio,
        )


def inventory_body(row: InventoryRow) -> dict[str, Any]:
    return {
        "total": row.total,
        "reserved": row.reserved,
        "min_unit": row.min_unit,
        "max_unit": row.max_unit,
        "step_size": row.step_size,
        "allocation_ratio": row.allocation_ratio,
    }


def asked_resources(text: str) -> dict[str, int]:
    """`VCPU:1,MEMORY_MB:512`"""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, amount = part.partition(":")
        number = whole_or_none(amount)
        if not name or number is None or not 0 < number <= MAX_INT:
            raise BadRequest(
                "Badly formed resources parameter. Expected resources query string parameter in "
                f'form: ?resources=VCPU:2,MEMORY_MB:1024. Got: "{text:.200}".'
            )
        found[name] = number
    return found


def at(call: Call, minor: int) -> bool:
    """The request's version is 1.`minor` or newer."""
    return call.version is None or call.version >= Version(1, minor)


def asked_members(call: Call, values: list[str]) -> tuple[list[frozenset[str]], set[str]]:
    """(of each of these sets of aggregates one, none of these) of `member_of=in:a,b` or one;
    repeated ones must all hold; with `!` none may (API 1.32)."""
    wanted: list[frozenset[str]] = []
    unwanted: set[str] = set()
    for value in values:
        negated = value.startswith("!")
        if negated and not at(call, 32):
            raise BadRequest("Forbidden member_of parameters are not supported in this version.")
        text = value.removeprefix("!")
        several = text.startswith("in:")
        names = text.removeprefix("in:").split(",")
        if len(names) > 1 and not several:
            raise BadRequest(
                "Multiple values for 'member_of' must be prefixed with the 'in:' keyword"
            )
        found = frozenset(uuid_of(name, "member_of") for name in names)
        if negated:
            unwanted |= found
        else:
            wanted.append(found)
    return wanted, unwanted


def asked_trait_sets(call: Call, values: list[str]) -> tuple[list[frozenset[str]], set[str]]:
    """(of each of these sets of traits one, none of these) of `required=A,!B` and, since API 1.39,
    `required=in:A,B`."""
    required: list[frozenset[str]] = []
    forbidden: set[str] = set()
    for value in values:
        if value.startswith("in:") and at(call, 39):
            names = value.removeprefix("in:").split(",")
            if not all(names) or any(name.startswith("!") for name in names):
                raise BadRequest(f"Invalid query string parameters: required={value:.200!r}")
            required.append(frozenset(names))
            continue
        names = value.split(",")
        if not all(name.removeprefix("!") for name in names):
            raise BadRequest(f"Invalid query string parameters: required={value:.200!r}")
        banned = {name[1:] for name in names if name.startswith("!")}
        if banned and not at(call, 22):
            raise BadRequest(f"Invalid query string parameters: required={value:.200!r}")
        forbidden |= banned
        required += [frozenset([name]) for name in names if not name.startswith("!")]
    clash = {name for each in required if len(each) == 1 for name in each} & forbidden
    if clash:
        raise BadRequest(f"Conflicting required and forbidden traits: {', '.join(sorted(clash))}")
    return required, forbidden
