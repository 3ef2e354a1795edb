"""What `/cumulo` answers: see `responses`."""

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.operator_hosts import Adopted, HostList, HostView, MadeToken, UnknownList
from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body


class StatusHost(Body):
    id: str
    alive: bool
    kinds: list[str]
    unknown: dict[str, int]
    """How many things that nobody knows are on it, by the kind of work."""
    faults: dict[str, str]
    """Why it can do nothing of a kind of work."""


class StatusConsumer(Body):
    """Who follows the events."""

    name: str
    position: str
    behind: bool
    alive_at: str
    dropped_at: str | None
    fault: str | None


class Status(Body):
    hosts: list[StatusHost]
    counts: dict[str, int]
    consumers: list[StatusConsumer]
    policy: list[str]
    """What is in policy files and has no effect."""


class StoryEvent(Body):
    sequence: int
    turn: int
    at: str
    type: str
    service: str
    resource_type: str
    resource_id: str
    project_id: str | None
    user_id: str | None
    request_id: str | None
    detail: dict[str, Any]


class StoryOfMany(Body):
    """One of several things of a name."""

    id: str
    kind: str
    project_id: str | None
    last: str
    at: str


class Story(Body):
    id: str
    events: list[StoryEvent]
    several: list[StoryOfMany]
    users: dict[str, str] | UnsetType = UNSET
    """Their names, by id."""


class Decision(Body):
    """May a user do something, by each scope that the user has."""

    user: str
    action: str
    resource: str | None
    allowed: bool
    rule: str
    scopes: list[dict[str, Any]]


class RotatedKeys(Body):
    rings: dict[str, str]
    """What was done, by ring."""


ANSWERS: dict[str, Any] = {
    "GET /status": Status,
    "GET /why/{id}": Story,
    "GET /why": Story,
    "GET /can": Decision,
    "POST /rotate-keys": RotatedKeys,
    "GET /hosts": HostList,
    "POST /hosts/tokens": MadeToken,
    "GET /hosts/{host}": HostView,
    "POST /hosts/{host}/enable": Empty,
    "POST /hosts/{host}/disable": Empty,
    "POST /hosts/{host}/remove": Empty,
    "GET /hosts/unknown": UnknownList,
    "POST /hosts/unknown/adopt": Adopted,
    "POST /hosts/unknown/remove": Empty,
    "POST /nodes/{node}/remove": Empty,
}
