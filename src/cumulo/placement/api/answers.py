"""What placement answers, operation by operation: the OpenAPI document is made of it, and every
answer of the wire stories is held against it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

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


class ResourceProvidersAnswer(Body, kw_only=True):
    generation: int
    links: list[Link]
    name: str
    parent_provider_uuid: Any
    root_provider_uuid: str
    uuid: str


class ResourceProviderInventoriesAnswer(Body, kw_only=True):
    inventories: dict[str, InventoryValue]
    resource_provider_generation: int


class ResourceProviderTraitsAnswer(Body, kw_only=True):
    resource_provider_generation: int
    traits: list[str]


class AllocationAnswer(Body, kw_only=True):
    allocations: dict[str, AllocationValue]
    consumer_generation: int
    consumer_type: str | UnsetType = UNSET
    project_id: str
    user_id: str


class ResourceProviderUsagesAnswer(Body, kw_only=True):
    resource_provider_generation: int
    usages: dict[str, int]


class AllocationCandidatesAnswer(Body, kw_only=True):
    allocation_requests: list[AllocationRequest]
    provider_summaries: dict[str, ProviderSummaryValue]


class ShownResourceProvidersAnswer(Body, kw_only=True):
    resource_providers: list[ResourceProvider]


ANSWERS: dict[str, Any] = {
    "GET ": VersionsAnswer,
    "GET /allocation_candidates": AllocationCandidatesAnswer,
    "GET /allocations/{consumer}": AllocationAnswer,
    "GET /resource_providers": ShownResourceProvidersAnswer,
    "GET /resource_providers/{uuid}/usages": ResourceProviderUsagesAnswer,
    "POST /resource_providers": ResourceProvidersAnswer,
    "PUT /resource_providers/{uuid}/inventories": ResourceProviderInventoriesAnswer,
    "PUT /resource_providers/{uuid}/traits": ResourceProviderTraitsAnswer,
}
