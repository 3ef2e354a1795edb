"""Providers with their inventories, traits and aggregates: the verbs.

Every change made through the API names the provider's generation that its maker has seen; a
different one now is a conflict, in placement's words.
"""

from collections.abc import Collection, Mapping, Sequence

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.placement.interface import Inventory
from cumulo.placement.model.names import RESOURCE_CLASSES, TRAITS, is_custom
from cumulo.placement.model.provider import (
    InventoryRow,
    ProviderAggregateRow,
    ProviderRow,
    ProviderTraitRow,
    ResourceClassRow,
    TraitRow,
    capacity_of,
)
from cumulo.placement.queries import provider as queries

CONCURRENT = "placement.concurrent_update"
DUPLICATE_NAME = "placement.duplicate_name"
INVENTORY_IN_USE = "placement.inventory.inuse"
PROVIDER_IN_USE = "placement.resource_provider.inuse"
PROVIDER_IS_PARENT = "placement.resource_provider.cannot_delete_parent"
MAX_INT = 2**31 - 1


class Providers:
    listing = queries.PROVIDERS

    def get(self, tx: Tx, provider_id: str) -> ProviderRow:
        found = tx.get(ProviderRow, provider_id.lower())
        if found is None:
            raise NotFound(f"No resource provider with uuid {provider_id} found")
        return found

    def create(
        self, tx: Tx, name: str, provider_id: str | None = None, parent_id: str | None = None
    ) -> ProviderRow:
        if tx.one(queries.PROVIDER_NAMED, name=name) is not None:
            raise Conflict(
                f"Conflicting resource provider name: {name} already exists.",
                code=DUPLICATE_NAME,
            )
        own = (provider_id or new_id()).lower()
        root = self._root_below(tx, parent_id, own)
        row = ProviderRow(own, name, 0, tx.now, tx.now, parent_id, root)
        if tx.get(ProviderRow, row.id) is not None:
            raise Conflict(
                f"Conflicting resource provider uuid: {row.id} already exists.",
                code=DUPLICATE_NAME,
            )
        tx.insert(row)
        return row

    def rename(self, tx: Tx, provider_id: str, name: str) -> ProviderRow:
        row = self.get(tx, provider_id)
        other = tx.one(queries.PROVIDER_NAMED, name=name)
        if other is not None and other.id != row.id:
            raise Conflict(
                f"Conflicting resource provider name: {name} already exists.",
                code=DUPLICATE_NAME,
            )
        return tx.update(row, name=name, updated_at=tx.now)

    def _root_below(self, tx: Tx, parent_id: str | None, own: str) -> str:
        """The root of the tree that a child of this provider is in."""
        if parent_id is None:
            return own
        parent = tx.get(ProviderRow, parent_id)
        if parent is None:
            raise BadRequest("parent provider UUID does not exist.")
        if own == parent_id:
            raise BadRequest("parent provider UUID cannot be same as UUID.")
        return parent.root_id

    def move(self, tx: Tx, row: ProviderRow, parent_id: str | None, *, freely: bool) -> ProviderRow:
        """Below another provider, with all that is below it. `freely`: also away from a parent
        that it has (API 1.37)."""
        if parent_id == row.parent_id:
            return row
        if row.parent_id is not None and not freely:
            raise BadRequest(
                "Unable to save resource provider: re-parenting a provider is not currently "
                "allowed."
            )
        root = self._root_below(tx, parent_id, row.id)
        below = self.below(tx, row)
        if parent_id in {each.id for each in below}:
            raise BadRequest("creating loop in the provider tree is not allowed.")
        for each in below:
            tx.update(each, root_id=root)
        return tx.update(row, parent_id=parent_id, root_id=root, updated_at=tx.now)

    def below(self, tx: Tx, row: ProviderRow) -> list[ProviderRow]:
        """All that is under it in its tree."""
        tree = self.listing.page(tx, where={"root_id": row.root_id})
        found, level = [], {row.id}
        while level:
            next_ = [each for each in tree if each.parent_id in level]
            found += next_
            level = {each.id for each in next_}
        return found

    def delete(self, tx: Tx, provider_id: str) -> None:
        row = self.get(tx, provider_id)
        if self.listing.page(tx, where={"parent_id": row.id}, limit=1):
            raise Conflict(
                f"Unable to delete parent resource provider {row.id}: It has child resource "
                "providers.",
                code=PROVIDER_IS_PARENT,
            )
        if tx.one(queries.HELD_ON, provider=row.id) is not None:
            raise Conflict(
                f"Unable to delete resource provider {row.id}: Resource provider has allocations.",
                code=PROVIDER_IN_USE,
            )
        tx.delete(row)

    def grow(self, tx: Tx, row: ProviderRow, known: int | None = None) -> ProviderRow:
        """The next generation; Conflict unless the present one is `known`."""
        if known is not None and known != row.generation:
            raise Conflict("resource provider generation conflict", code=CONCURRENT)
        if not tx.run(queries.GROW, provider=row.id, known=row.generation, now=tx.now):
            raise Conflict("resource provider generation conflict", code=CONCURRENT)
        return self.get(tx, row.id)

    # --- inventories ------------------------------------------------------------------------

    def inventories(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[InventoryRow]]:
        found: dict[str, list[InventoryRow]] = {id: [] for id in ids}
        for row in tx.all(queries.INVENTORIES, providers=ids):
            found[row.provider_id].append(row)
        return found

    def inventory(self, tx: Tx, provider: ProviderRow, name: str) -> InventoryRow:
        found = tx.get(InventoryRow, provider.id, name)
        if found is None:
            raise NotFound(f"No inventory of class {name} for {provider.id}")
        return found

    def set_inventory(
        self, tx: Tx, provider: ProviderRow, name: str, wanted: Inventory, *, new: bool = False
    ) -> None:
        self.require_class(tx, name)
        capacity = capacity_of(wanted.total, wanted.reserved, wanted.allocation_ratio)
        if wanted.reserved > wanted.total or capacity < 0:
            raise BadRequest(
                f"Unable to update inventory for resource provider {provider.id}: Invalid "
                f"inventory for '{name}' on resource provider '{provider.id}'. The reserved "
                "value is greater than total."
            )
        row = tx.get(InventoryRow, provider.id, name)
        values = {
            "total": wanted.total,
            "reserved": wanted.reserved,
            "min_unit": wanted.min_unit,
            "max_unit": wanted.max_unit,
            "step_size": wanted.step_size,
            "allocation_ratio": wanted.allocation_ratio,
            "capacity": capacity,
        }
        if row is None:
            tx.insert(InventoryRow(provider.id, name, used=0, free=capacity, **values))  # type: ignore[arg-type]
        elif new:
            raise Conflict(f"Update conflict: Inventory of {name} already exists")
        else:
            tx.update(row, free=capacity - row.used, **values)

    def replace_inventories(
        self, tx: Tx, provider: ProviderRow, wanted: Mapping[str, Inventory]
    ) -> None:
        for row in self.inventories(tx, [provider.id])[provider.id]:
            if row.resource_class not in wanted:
                self.drop_inventory(tx, provider, row)
        for name, inventory in wanted.items():
            self.set_inventory(tx, provider, name, inventory)

    def drop_inventory(self, tx: Tx, provider: ProviderRow, row: InventoryRow) -> None:
        if row.used:
            raise Conflict(
                f"Inventory for '{row.resource_class}' on resource provider '{provider.id}' "
                "in use.",
                code=INVENTORY_IN_USE,
            )
        tx.delete(row)

    # --- traits, aggregates -------------------------------------------------------------------

    def traits(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {id: [] for id in ids}
        for row in tx.all(queries.TRAITS_OF, providers=ids):
            found[row.provider_id].append(row.trait)
        return found

    def trees_with(self, tx: Tx, trait: str) -> list[str]:
        """The roots of trees in which a provider has this trait."""
        return [root for (root,) in tx.tuples(queries.ROOTS_OF_TRAIT, trait=trait)]

    def set_traits(self, tx: Tx, provider: ProviderRow, names: Collection[str]) -> None:
        unknown = sorted(set(names) - self.known_traits(tx))
        if unknown:
            raise BadRequest(f"No such trait {', '.join(unknown)}")
        tx.run(queries.FORGET_TRAITS, provider=provider.id)
        for name in sorted(set(names)):
            tx.insert(ProviderTraitRow(provider.id, name))

    def known_traits(self, tx: Tx) -> set[str]:
        return {*TRAITS, *(row.name for row in tx.all(queries.CUSTOM_TRAITS))}

    def used_traits(self, tx: Tx) -> set[str]:
        return {name for (name,) in tx.tuples(queries.TRAITS_USED)}

    def make_trait(self, tx: Tx, name: str) -> bool:
        """True when it is new."""
        if not is_custom(name):
            raise BadRequest(
                "The trait is invalid. A valid trait must be no longer than 255 characters, "
                'start with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" '
                'and "_"'
            )
        return tx.insert(TraitRow(name, tx.now), ignore_duplicate=True)

    def drop_trait(self, tx: Tx, name: str) -> None:
        if name in TRAITS:
            raise BadRequest(f"Cannot delete standard trait {name}.")
        row = tx.get(TraitRow, name)
        if row is None:
            raise NotFound(f"No such trait(s): {name}.")
        if name in self.used_traits(tx):
            raise Conflict(f"The trait {name} is in use by a resource provider.")
        tx.delete(row)

    def mark(self, tx: Tx, provider_id: str, trait: str, wanted: bool) -> None:
        row = ProviderTraitRow(provider_id, trait)
        if wanted:
            tx.insert(row, ignore_duplicate=True)
        else:
            tx.delete(row)

    def join(self, tx: Tx, provider_id: str, aggregate_id: str, wanted: bool) -> None:
        row = ProviderAggregateRow(provider_id, aggregate_id)
        if wanted:
            tx.insert(row, ignore_duplicate=True)
        else:
            tx.delete(row)

    def aggregates(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {id: [] for id in ids}
        for row in tx.all(queries.AGGREGATES_OF, providers=ids):
            found[row.provider_id].append(row.aggregate_id)
        return found

    def set_aggregates(self, tx: Tx, provider: ProviderRow, ids: Collection[str]) -> None:
        tx.run(queries.FORGET_AGGREGATES, provider=provider.id)
        for id in sorted(set(ids)):
            tx.insert(ProviderAggregateRow(provider.id, id))

    # --- resource classes -------------------------------------------------------------------

    def classes(self, tx: Tx) -> list[str]:
        return [*RESOURCE_CLASSES, *(row.name for row in tx.all(queries.CUSTOM_CLASSES))]

    def require_class(self, tx: Tx, name: str) -> None:
        if name not in RESOURCE_CLASSES and tx.get(ResourceClassRow, name) is None:
            raise BadRequest(f"Unknown resource class in inventory: {name}")

    def make_class(self, tx: Tx, name: str) -> bool:
        """True when it is new."""
        if not is_custom(name):
            raise BadRequest(
                f"Invalid resource class name {name}: it must start with CUSTOM_ and use A-Z, "
                "0-9 and _ only"
            )
        return tx.insert(ResourceClassRow(name, tx.now), ignore_duplicate=True)

    def drop_class(self, tx: Tx, name: str) -> None:
        if name in RESOURCE_CLASSES:
            raise BadRequest("Cannot delete a standard resource class")
        row = tx.get(ResourceClassRow, name)
        if row is None:
            raise NotFound(f"No such resource class {name}")
        if tx.value(queries.CLASS_USED_BY, name=name):
            raise Conflict("Cannot delete a resource class that is in use: " + name)
        tx.delete(row)
