"""What orchestration answers without a project in the path: see `core.http.responses`."""

from typing import Any

from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body


class Link(Body):
    href: str
    rel: str


class Version(Body):
    id: str
    status: str
    links: list[Link]


class Versions(Body):
    versions: list[Version]


ANSWERS: dict[str, Any] = {
    "GET /": Versions,
    "POST /signal/{resource_id}/{key}": Empty,
    "PUT /signal/{resource_id}/{key}": Empty,
    "GET /metadata/{resource_id}/{key}": dict[str, Any],
}
