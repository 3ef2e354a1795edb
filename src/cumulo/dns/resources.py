"""What templates can ask of DNS: OS::Designate::… types, by its own operations."""

from collections.abc import Mapping
from typing import Any

from cumulo.core.resource_types import (
    READY,
    WORKING,
    Finder,
    Place,
    Request,
    ResourceType,
    State,
    items,
    number,
    text,
)

BASE = "/dns/v2"
FINDERS = (Finder("zone", f"{BASE}/zones", "zone", "designate.zone", bare=True),)
Given = Mapping[str, Any]
TTL = [{"range": {"min": 1, "max": 2147483647}}]


def _state(body: Any) -> State:
    if body["status"] == "ERROR":
        return State("failed", "went to status ERROR")
    return READY if body["status"] == "ACTIVE" else WORKING


def _some(given: Given, *without: str) -> dict[str, Any]:
    return {
        name: value for name, value in given.items() if value is not None and name not in without
    }


def _zone(given: Given, place: Place) -> Request:
    body = _some(given, "primaries")
    if given.get("primaries"):
        body["masters"] = given["primaries"]
    return Request("POST", f"{BASE}/zones", body)


def _zone_changes(changed: Given) -> dict[str, Any]:
    names = {"primaries": "masters", "masters": "masters"}
    return {names.get(name, name): value for name, value in changed.items()}


ZONE = ResourceType(
    "OS::Designate::Zone",
    {
        "name": text(
            "DNS name of the zone.", required=True, constraints=[{"length": {"max": 255}}]
        ),
        "ttl": number("Time to live, in seconds.", update=True, constraints=TTL),
        "description": text("Description.", update=True, constraints=[{"length": {"max": 160}}]),
        "email": text("E-mail of who answers for it; of primary zones.", update=True),
        "type": text(
            "PRIMARY or SECONDARY.",
            default="PRIMARY",
            constraints=[{"allowed_values": ["PRIMARY", "SECONDARY"]}],
        ),
        "primaries": items(text(), "Where a secondary zone comes from.", update=True),
        "masters": items(text(), "Deprecated.", stands_for="primaries", update=True),
    },
    _zone,
    lambda answer: str(answer["id"]),
    lambda physical, given, place: Request("GET", f"{BASE}/zones/{physical}"),
    lambda physical, now, changed, place: [
        Request("PATCH", f"{BASE}/zones/{physical}", _zone_changes(changed))
    ],
    lambda physical, given, place: Request("DELETE", f"{BASE}/zones/{physical}"),
    attributes={"serial": "Zone serial number.", "name": "Its name."},
    attribute=lambda name, body, read: NotImplemented if body is None else body.get(name),
    state=_state,
    description="A DNS zone.",
    check=lambda given: (
        "A secondary zone needs primaries."
        if given["type"] == "SECONDARY" and not given.get("primaries")
        else "A primary zone needs an email."
        if given["type"] == "PRIMARY" and not given.get("email")
        else None
    ),
)

RECORD_SET = ResourceType(
    "OS::Designate::RecordSet",
    {
        "zone": text("The zone.", required=True, find="zone"),
        "name": text("Name of the records; without one that of the resource in the zone."),
        "type": text("Their type.", required=True),
        "ttl": number("Time to live, in seconds.", update=True, constraints=TTL),
        "description": text("Description.", update=True),
        "records": items(text(), "Their data.", required=True, update=True),
    },
    lambda given, place: Request(
        "POST",
        f"{BASE}/zones/{given['zone']}/recordsets",
        _some(given, "zone") | {"name": given.get("name") or _own_name(given, place)},
    ),
    lambda answer: str(answer["id"]),
    lambda physical, given, place: Request(
        "GET", f"{BASE}/zones/{_zone_id(given, place)}/recordsets/{physical}"
    ),
    lambda physical, now, changed, place: [
        Request("PUT", f"{BASE}/zones/{_zone_id(now, place)}/recordsets/{physical}", dict(changed))
    ],
    lambda physical, given, place: Request(
        "DELETE", f"{BASE}/zones/{_zone_id(given, place)}/recordsets/{physical}"
    ),
    attributes={"name": "Their name."},
    attribute=lambda name, body, read: NotImplemented if body is None else body.get(name),
    state=_state,
    description="The records of one name and type.",
)


def _zone_id(given: Given, place: Place) -> str:
    """Templates may name a zone by its name."""
    named = str(given["zone"])
    if not named.endswith(".") or place.read is None:
        return named
    found = (place.read(f"{BASE}/zones?name={named}") or {}).get("zones") or []
    return str(found[0]["id"]) if len(found) == 1 else named


def _own_name(given: Given, place: Place) -> str:
    zone = None if place.read is None else place.read(f"{BASE}/zones/{given['zone']}")
    label = "".join(c if c.isalnum() or c == "-" else "-" for c in place.resource.lower())
    return f"{label[:63].strip('-') or 'name'}.{(zone or {}).get('name', '')}"


TYPES = (ZONE, RECORD_SET)
