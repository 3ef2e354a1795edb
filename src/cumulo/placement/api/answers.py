"""What placement answers, operation by operation: the OpenAPI document is made of it, and every
answer of the wire stories is held against it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    max_version: str
    min_version: str
    status: str


class Link(Body, kw_only=True):
    href: str
    rel: str


class InventoryValue(Body, kw_only=True):
    allocation_ratio: float
    max_unit: int
    min_unit: int
    reserved: int
    step_size: int
    total: int


class AllocationValue(Body, kw_only=True):
    generation: int | UnsetType = UNSET
    resources: dict[str, int]


class AllocationRequest(Body, kw_only=True):
    allocations: dict[str, AllocationValue]
    mappings: dict[str, list[str]] | UnsetType = UNSET


class ProviderSummaryValue(Body, kw_only=True):
    parent_provider_uuid: str | UnsetType | None = UNSET
    resources: dict[str, ResourceValue]
    root_provider_uuid: str | UnsetType = UNSET
    traits: list[str] | UnsetType = UNSET


class ResourceValue(Body, kw_only=True):
    capacity: int
    used: int


class ResourceProvider(Body, kw_only=True):
    generation: int
    links: list[Link]
    name: str
    parent_provider_uuid: str | UnsetType | None = UNSET
    root_provider_uuid: str | UnsetType = UNSET
    uuid: str


class VersionsAnswer(Body, kw_only=True):
    versions: list[Version]


class ResourceProviderInventoriesAnswer(Body, kw_only=True):
    inventories: dict[str, InventoryValue]
    resource_provider_generation: int


class ResourceProviderTraitsAnswer(Body, kw_only=True):
    resource_provider_generation: int
    traits: list[str]


class TraitsAnswer(Body, kw_only=True):
    traits: list[str]


class AllocationAnswer(Body, kw_only=True):
    allocations: dict[str, AllocationValue]
    consumer_generation: int | UnsetType = UNSET
    consumer_type: str | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    user_id: str | UnsetType = UNSET


class ResourceProviderUsagesAnswer(Body, kw_only=True):
    resource_provider_generation: int
    usages: dict[str, int]


class AllocationCandidatesAnswer(Body, kw_only=True):
    allocation_requests: list[AllocationRequest]
    provider_summaries: dict[str, ProviderSummaryValue]


class ShownResourceProvidersAnswer(Body, kw_only=True):
    resource_providers: list[ResourceProvider]


class InventoriesAnswer(Body, kw_only=True):
    allocation_ratio: float
    max_unit: int
    min_unit: int
    reserved: int
    resource_provider_generation: int
    step_size: int
    total: int


class AggregatesAnswer(Body, kw_only=True):
    aggregates: list[str]
    resource_provider_generation: int | UnsetType = UNSET


class ResourceClass(Body, kw_only=True):
    links: list[Link]
    name: str


class ResourceClassesAnswer(Body, kw_only=True):
    resource_classes: list[ResourceClass]


class AllocationsAnswer(Body, kw_only=True):
    allocations: dict[str, Any]
    resource_provider_generation: int


class UsagesAnswer(Body, kw_only=True):
    usages: dict[str, Any]


ANSWERS: dict[str, Any] = {
    "GET ": VersionsAnswer,
    "GET /allocation_candidates": AllocationCandidatesAnswer,
    "GET /allocations/{consumer}": AllocationAnswer,
    "GET /resource_providers": ShownResourceProvidersAnswer,
    "GET /resource_providers/{uuid}/usages": ResourceProviderUsagesAnswer,
    "POST /resource_providers": ResourceProvider,
    "PUT /resource_providers/{uuid}/inventories": ResourceProviderInventoriesAnswer,
    "PUT /resource_providers/{uuid}/traits": ResourceProviderTraitsAnswer,
    "GET /resource_providers/{uuid}": ResourceProvider,
    "GET /resource_providers/{uuid}/inventories": ResourceProviderInventoriesAnswer,
    "POST /resource_providers/{uuid}/inventories": InventoriesAnswer,
    "GET /resource_providers/{uuid}/traits": ResourceProviderTraitsAnswer,
    "GET /resource_providers/{uuid}/aggregates": AggregatesAnswer,
    "PUT /resource_providers/{uuid}/aggregates": AggregatesAnswer,
    "GET /resource_classes": ResourceClassesAnswer,
    "GET /traits": TraitsAnswer,
    "GET /resource_providers/{uuid}/allocations": AllocationsAnswer,
    "GET /usages": UsagesAnswer,
    "GET /resource_providers/{uuid}/inventories/{resource_class}": InventoriesAnswer,
    "PUT /resource_providers/{uuid}": ResourceProvider,
    "PUT /resource_providers/{uuid}/inventories/{resource_class}": InventoriesAnswer,
    "POST /resource_classes": Empty,
    "GET /resource_classes/{name}": ResourceClass,
    "PUT /resource_classes/{name}": Empty,
    "GET /traits/{name}": Empty,
    "PUT /traits/{name}": Empty,
}
