"""What Gnocchi's API answers, operation by operation: the OpenAPI document is made of it, and every
answer of the wire stories is held against it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body, OpenBody


class Definition(Body, kw_only=True):
    granularity: str
    points: int | None
    timespan: str | None


class Policy(Body, kw_only=True):
    name: str
    back_window: int
    definition: list[Definition]
    aggregation_methods: list[str]


class Rule(Body, kw_only=True):
    name: str
    metric_pattern: str
    archive_policy_name: str


class Metric(Body, kw_only=True):
    id: str
    name: str | None
    unit: str | None
    archive_policy: Policy | UnsetType = UNSET
    archive_policy_name: str
    resource_id: str | None
    creator: str
    created_by_user_id: str
    created_by_project_id: str
    resource: Resource | UnsetType | None = UNSET


class Resource(OpenBody, kw_only=True):
    """With the attributes of its type."""

    id: str
    type: str
    original_resource_id: str
    project_id: str | None
    user_id: str | None
    creator: str
    created_by_user_id: str
    created_by_project_id: str
    started_at: str
    ended_at: str | None
    revision_start: str
    revision_end: str | None
    metrics: dict[str, str]


class Type(Body, kw_only=True):
    name: str
    attributes: dict[str, dict[str, Any]]
    state: str


class Deleted(Body, kw_only=True):
    deleted: int


Measure = tuple[str, float | str, float | None]
MEASURES = "/v1/metric/{metric_id}/measures"
OF = "/v1/resource/{type}/{resource_id}"
NAMED = f"{OF}/metric/{{name}}"


class Link(Body, kw_only=True):
    href: str
    rel: str


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    status: str
    updated: str


class VersionsAnswer(Body, kw_only=True):
    build: str
    versions: list[Version]


class V1Answer(Body, kw_only=True):
    links: list[Link]
    version: str


ANSWERS: dict[str, Any] = {
    "GET /v1/capabilities": dict[str, list[str]],
    "GET /v1/status": dict[str, Any],
    "GET /v1/archive_policy": list[Policy],
    "POST /v1/archive_policy": Policy,
    "GET /v1/archive_policy/{name}": Policy,
    "PATCH /v1/archive_policy/{name}": Policy,
    "GET /v1/archive_policy_rule": list[Rule],
    "POST /v1/archive_policy_rule": Rule,
    "GET /v1/archive_policy_rule/{name}": Rule,
    "PATCH /v1/archive_policy_rule/{name}": Rule,
    "GET /v1/metric": list[Metric],
    "POST /v1/metric": Metric,
    "GET /v1/metric/{metric_id}": Metric,
    f"GET {NAMED}": Metric,
    f"GET {MEASURES}": list[Measure],
    f"GET {NAMED}/measures": list[Measure],
    "GET /v1/resource_type": list[Type],
    "POST /v1/resource_type": Type,
    "GET /v1/resource_type/{name}": Type,
    "PATCH /v1/resource_type/{name}": Type,
    "GET /v1/resource": dict[str, str],
    "GET /v1/resource/{type}": list[dict[str, Any]],
    "POST /v1/resource/{type}": Resource,
    "DELETE /v1/resource/{type}": Deleted,
    f"GET {OF}": Resource,
    f"PATCH {OF}": Resource,
    f"GET {OF}/history": list[Resource],
    f"GET {OF}/metric": list[Metric],
    f"POST {OF}/metric": list[Metric],
    "POST /v1/search/resource/{type}": list[dict[str, Any]],
    "POST /v1/search/metric": dict[str, list[Measure]],
    "POST /v1/aggregates": dict[str, Any] | list[dict[str, Any]],
    "GET /v1/aggregation/metric": list[Measure],
    "POST /v1/metric/{metric_id}/measures": Empty,
    "POST /v1/resource/{type}/{resource_id}/metric/{name}/measures": Empty,
    "POST /v1/batch/metrics/measures": Empty,
    "POST /v1/batch/resources/metrics/measures": Empty,
    "GET /": VersionsAnswer,
    "GET /v1": V1Answer,
    "PATCH /v1/archive_policy/{nothing}/{name}": Policy,
    "PATCH /v1/archive_policy_rule/{nothing}/{name}": Rule,
    "POST /v1/aggregation/resource/{type}/metric/{name}": list[Any],
    "GET /v1/aggregation/resource/{type}/metric/{name}": list[Any],
}
