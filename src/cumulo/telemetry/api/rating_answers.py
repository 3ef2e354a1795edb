"""What CloudKitty's API answers, operation by operation: the OpenAPI document is made of it, and
every answer of the wire stories is held against it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.responses import Empty, Octets
from cumulo.core.wire.shapes import Body


class Module(Body, kw_only=True, rename={"hot_swap": "hot-config"}):
    module_id: str
    description: str
    enabled: bool
    hot_config: bool
    hot_swap: bool
    priority: int


class Modules(Body, kw_only=True):
    modules: list[Module]


class Info(Body, kw_only=True):
    metric_id: str
    service_id: str
    metadata: list[str]
    unit: str


class Service(Body, kw_only=True):
    service_id: str
    name: str


class Field(Body, kw_only=True):
    field_id: str
    service_id: str
    name: str


class Group(Body, kw_only=True):
    group_id: str
    name: str


class Mapping(Body, kw_only=True):
    mapping_id: str
    service_id: str | None
    field_id: str | None
    group_id: str | None
    tenant_id: str | None
    value: str | None
    cost: str
    type: str
    name: str
    description: str | None
    start: str
    end: str | None
    deleted: str | None
    created_at: str


class Threshold(Body, kw_only=True):
    threshold_id: str
    service_id: str | None
    field_id: str | None
    group_id: str | None
    tenant_id: str | None
    level: str
    cost: str
    type: str


class Summary(Body, kw_only=True):
    columns: list[str] | UnsetType = UNSET
    results: list[Any]
    """Rows in the order of the columns, or objects."""
    total: int


class Frames(Body, kw_only=True):
    dataframes: list[dict[str, Any]]
    total: int


class Usage(Body, kw_only=True):
    begin: str
    end: str
    currency: str
    usage: list[dict[str, Any]]


CONFIG = "/v1/rating/module_config/hashmap"


class Link(Body, kw_only=True):
    href: str
    rel: str


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    status: str


class VersionsAnswer(Body, kw_only=True):
    versions: list[Version]


PRICES = ("mappings", "thresholds")

ANSWERS: dict[str, Any] = {
    "GET /v1/report/total": str,
    "GET /v1/report/summary": dict[str, list[dict[str, str]]],
    "GET /v1/report/tenants": list[str],
    "GET /v1/storage/dataframes": Frames,
    "GET /v1/info/config": dict[str, Any],
    "GET /v1/info/metrics": dict[str, list[Info]],
    "GET /v1/info/services": dict[str, list[Info]],
    "GET /v1/info/metrics/{name}": Info,
    "GET /v1/info/services/{name}": Info,
    "POST /v1/rating/quote": str,
    "GET /v1/usage": Usage,
    "GET /v2/summary": Summary,
    "GET /v2/dataframes": Frames,
    "GET /v2/scope": dict[str, list[dict[str, Any]]],
    **{f"GET /{v}/rating/modules": Modules for v in ("v1", "v2")},
    **{f"{m} /{v}/rating/modules/{{module}}": Module for m in ("GET", "PUT") for v in ("v1", "v2")},
    f"GET {CONFIG}/types": list[str],
    f"GET {CONFIG}/services": dict[str, list[Service]],
    f"POST {CONFIG}/services": Service,
    f"GET {CONFIG}/services/{{id}}": Service,
    f"GET {CONFIG}/fields": dict[str, list[Field]],
    f"POST {CONFIG}/fields": Field,
    f"GET {CONFIG}/fields/{{id}}": Field,
    f"GET {CONFIG}/groups": dict[str, list[Group]],
    f"POST {CONFIG}/groups": Group,
    f"GET {CONFIG}/groups/{{id}}": Group,
    f"GET {CONFIG}/mappings": dict[str, list[Mapping]],
    f"POST {CONFIG}/mappings": Mapping,
    f"GET {CONFIG}/mappings/{{id}}": Mapping,
    f"GET {CONFIG}/thresholds": dict[str, list[Threshold]],
    f"POST {CONFIG}/thresholds": Threshold,
    f"GET {CONFIG}/thresholds/{{id}}": Threshold,
    "GET /v1/usage/csv": Octets,
    "GET /v1/usage/focus": Octets,
    "GET /": VersionsAnswer,
    **{f"GET {CONFIG}/groups{one}/mappings": dict[str, list[Mapping]] for one in ("", "/{id}")},
    **{f"GET {CONFIG}/groups{one}/thresholds": dict[str, list[Threshold]] for one in ("", "/{id}")},
    **{f"PUT {CONFIG}/{noun}{one}": Empty for noun in PRICES for one in ("", "/{id}")},
    **{f"GET {CONFIG}/{noun}{one}/group": Group for noun in PRICES for one in ("", "/{id}")},
}
