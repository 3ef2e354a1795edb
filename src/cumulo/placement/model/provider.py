"""Providers, what they have, what of it is taken, and by whom.

`used` stands beside each inventory and changes only by conditional updates, in the transaction
that writes or removes the allocation: capacity is never promised twice, and nothing has to be
summed up to decide. A provider has no status.
"""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table


@table("placement_providers", Unique("name"), IndexOn("parent_id"), IndexOn("root_id"))
class ProviderRow(Row, frozen=True):
    """A resource provider, in a tree."""

    id: Annotated[str, Key()]
    name: str
    generation: int
    """Grows with every change of inventories, traits or aggregates made through the API."""
    created_at: Moment
    updated_at: Moment
    parent_id: str | None = None
    root_id: str = ""
    """Of its tree; its own where it has no parent."""


@table("placement_inventories", IndexOn("resource_class", "free", "provider_id"))
class InventoryRow(Row, frozen=True):
    provider_id: Annotated[str, Key(), References("placement_providers.id", on_delete="CASCADE")]
    resource_class: Annotated[str, Key()]
    total: int
    reserved: int
    min_unit: int
    max_unit: int
    step_size: int
    allocation_ratio: float
    capacity: int
    """(total - reserved) * allocation_ratio, rounded down: what `used` may reach."""
    used: int
    free: int
    """The stored `capacity - used`: candidates are found by it, the emptiest first."""


@table("placement_consumers", IndexOn("project_id", "user_id"))
class ConsumerRow(Row, frozen=True):
    """Who holds allocations; gone with its last one."""

    id: Annotated[str, Key()]
    generation: int
    project_id: str
    user_id: str
    created_at: Moment
    updated_at: Moment
    type: str | None = None
    """INSTANCE, MIGRATION …; None: its maker did not know of types."""


@table("placement_allocations")
class AllocationRow(Row, frozen=True):
    consumer_id: Annotated[str, Key(), References("placement_consumers.id", on_delete="CASCADE")]
    provider_id: Annotated[str, Key(), References("placement_providers.id"), Index()]
    resource_class: Annotated[str, Key()]
    amount: int


@table("placement_resource_classes")
class ResourceClassRow(Row, frozen=True):
    """A CUSTOM_ class; the standard ones are in `model.names`."""

    name: Annotated[str, Key()]
    updated_at: Moment


@table("placement_traits")
class TraitRow(Row, frozen=True):
    """A CUSTOM_ trait; the standard ones are in `model.names`."""

    name: Annotated[str, Key()]
    updated_at: Moment


@table("placement_provider_traits")
class ProviderTraitRow(Row, frozen=True):
    provider_id: Annotated[str, Key(), References("placement_providers.id", on_delete="CASCADE")]
    trait: Annotated[str, Key(), Index()]


@table("placement_provider_aggregates")
class ProviderAggregateRow(Row, frozen=True):
    provider_id: Annotated[str, Key(), References("placement_providers.id", on_delete="CASCADE")]
    aggregate_id: Annotated[str, Key(), Index()]


def capacity_of(total: int, reserved: int, allocation_ratio: float) -> int:
    return int((total - reserved) * allocation_ratio)
