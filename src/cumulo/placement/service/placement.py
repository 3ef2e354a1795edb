"""Who has room, and take it: `placement.interface.Placement`, and the allocations of the API."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.placement.interface import Candidate, Inventory, Where
from cumulo.placement.model.names import is_custom
from cumulo.placement.model.provider import (
    AllocationRow,
    ConsumerRow,
    InventoryRow,
    ProviderRow,
    capacity_of,
)
from cumulo.placement.queries import provider as queries
from cumulo.placement.service.providers import CONCURRENT, Providers

UNKNOWN = "unknown"
"""The type of consumers whose maker knew of none."""
Wanted = Mapping[str, Mapping[str, int]]
"""provider → resource class → amount"""


class PlacementService:
    """Implements `placement.interface.Placement`."""

    def __init__(self) -> None:
        self.providers = Providers()

    def ensure_provider(
        self,
        tx: Tx,
        provider_id: str,
        name: str,
        inventories: Mapping[str, Inventory],
        *,
        only: bool = False,
    ) -> None:
        provider = tx.get(ProviderRow, provider_id)
        if provider is None:
            provider = self.providers.create(tx, name, provider_id)
        elif provider.name != name:
            provider = self.providers.rename(tx, provider_id, name)
        known = {
            row.resource_class: row for row in tx.all(queries.INVENTORIES, providers=[provider_id])
        }
        changed = [
            resource
            for resource, wanted in inventories.items()
            if resource not in known or not _same(known[resource], wanted)
        ]
        for resource in changed:
            if is_custom(resource):
                self.providers.make_class(tx, resource)
            self.providers.set_inventory(tx, provider, resource, inventories[resource])
        surplus = [row for name, row in known.items() if only and name not in inventories]
        for row in surplus:
            self.providers.drop_inventory(tx, provider, row)
        if changed or surplus:
            self.providers.grow(tx, provider)

    def remove_provider(self, tx: Tx, provider_id: str) -> None:
        if tx.get(ProviderRow, provider_id) is not None:
            self.providers.delete(tx, provider_id)

    def candidates(
        self,
        tx: Tx,
        resources: Mapping[str, int],
        where: Where,
        *,
        most: int,
        by: str = "MEMORY_MB",
        fullest: bool = False,
    ) -> list[Candidate]:
        if not resources or where.named == [] or where.member_of == []:
            return []
        # By what is left of memory, the scarcest thing, where it is asked for.
        classes = sorted(resources, key=lambda name: (name != by, name != "MEMORY_MB", name))
        conditions = {
            name: value
            for name, value in msgspec.structs.asdict(where).items()
            if value is not None and len(value)
        }
        parameters: dict[str, Any] = {"most": most, **conditions}
        if "required" in conditions:
            parameters["required"] = sorted(set(where.required))
            parameters["required_count"] = len(parameters["required"])
        for place, name in enumerate(classes):
            parameters |= {f"c{place}": name, f"n{place}": resources[name]}
        statement = queries.candidates(len(classes), frozenset(conditions), fullest=fullest)
        found = tx.tuples(statement, **parameters)
        return [Candidate(provider_id=id, name=name, free=free) for id, name, free in found]

    def traits_of(self, tx: Tx, provider_ids: Sequence[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {id: set() for id in provider_ids}
        for row in tx.all(queries.TRAITS_OF, providers=list(provider_ids)) if found else ():
            found[row.provider_id].add(row.trait)
        return found

    def lacks(
        self, tx: Tx, resources: Mapping[str, int], names: Sequence[str]
    ) -> dict[str, str | None]:
        stock: dict[str, dict[str, Stock]] = {name: {} for name in names}
        for name, resource, *numbers in tx.tuples(queries.INVENTORIES_OF_NAMES, names=list(names)):
            stock[name][resource] = Stock(*numbers)
        return {name: lack_of(have, resources) for name, have in stock.items()}

    def mark(self, tx: Tx, provider_id: str, trait: str, wanted: bool) -> None:
        if wanted and is_custom(trait):
            self.providers.make_trait(tx, trait)
        self.providers.mark(tx, provider_id, trait, wanted)

    def join(self, tx: Tx, provider_id: str, aggregate_id: str, wanted: bool) -> None:
        self.providers.join(tx, provider_id, aggregate_id, wanted)

    def used(self, tx: Tx, provider_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {id: {} for id in provider_ids}
        for id, resource, amount in tx.tuples(queries.USED, providers=list(provider_ids)):
            found[id][resource] = int(amount)
        return found

    def used_in_all(self, tx: Tx) -> dict[str, int]:
        return {name: int(amount) for name, amount in tx.tuples(queries.TOTALS)}

    def claim(
        self,
        tx: Tx,
        consumer_id: str,
        provider_id: str,
        resources: Mapping[str, int],
        *,
        project_id: str,
        user_id: str,
        kind: str = "INSTANCE",
    ) -> bool:
        taken: dict[str, int] = {}
        for resource, amount in resources.items():
            if not tx.run(queries.TAKE, p=provider_id, c=resource, n=amount):
                for name, back in taken.items():
                    tx.run(queries.GIVE, p=provider_id, c=name, n=back)
                return False
            taken[resource] = amount
        consumer = ConsumerRow(consumer_id, 1, project_id, user_id, tx.now, tx.now, kind)
        tx.insert(consumer, ignore_duplicate=True)
        for resource, amount in resources.items():
            tx.insert(AllocationRow(consumer_id, provider_id, resource, amount))
        return True

    def hand_over(self, tx: Tx, consumer_id: str, to: str, kind: str) -> None:
        consumer = tx.get(ConsumerRow, consumer_id)
        if consumer is None:
            return
        tx.insert(
            msgspec.structs.replace(consumer, id=to, type=kind, generation=1, updated_at=tx.now)
        )
        tx.run(queries.HAND_OVER, consumer=consumer_id, to=to)
        tx.run(queries.FORGET_CONSUMER, consumer=consumer_id)

    def release(self, tx: Tx, consumer_id: str) -> None:
        for row in tx.all(queries.HELD, consumer=consumer_id):
            tx.run(queries.GIVE, p=row.provider_id, c=row.resource_class, n=row.amount)
        tx.run(queries.FORGET_HELD, consumer=consumer_id)
        tx.run(queries.FORGET_CONSUMER, consumer=consumer_id)

    # --- what the API asks besides -------------------------------------------------------------

    def held(self, tx: Tx, consumer_id: str) -> list[AllocationRow]:
        return tx.all(queries.HELD, consumer=consumer_id)

    def held_on(self, tx: Tx, provider_id: str) -> list[AllocationRow]:
        return tx.all(queries.HELD_ON, provider=provider_id)

    def used_by(self, tx: Tx, project_id: str, user_id: str | None) -> dict[str, int]:
        if user_id is None:
            found = tx.tuples(queries.USED_BY_PROJECT, project=project_id)
        else:
            found = tx.tuples(queries.USED_BY_USER, project=project_id, user=user_id)
        return {name: int(amount) for name, amount in found}

    def used_by_type(
        self, tx: Tx, project_id: str, user_id: str | None
    ) -> dict[str, dict[str, int]]:
        """Consumer type → class → amount, and `consumer_count`."""
        of = (
            {"project": project_id} if user_id is None else {"project": project_id, "user": user_id}
        )
        used, counted = (
            (queries.USED_BY_TYPE, queries.CONSUMERS)
            if user_id is None
            else (queries.USED_BY_TYPE_AND_USER, queries.CONSUMERS_OF_USER)
        )
        found = {
            kind or UNKNOWN: {"consumer_count": int(n)} for kind, n in tx.tuples(counted, **of)
        }
        for kind, name, amount in tx.tuples(used, **of):
            found.setdefault(kind or UNKNOWN, {"consumer_count": 0})[name] = int(amount)
        return found

    def reshape(
        self,
        tx: Tx,
        inventories: Mapping[str, tuple[int, Mapping[str, Inventory]]],
        allocations: Sequence["Claim"],
    ) -> None:
        """New inventories of several providers and new allocations of all whom that concerns, at
        once: what is moved is never away, and never twice there."""
        rows = {}
        for id, (generation, _) in inventories.items():
            row = tx.get(ProviderRow, id)
            if row is None:
                raise BadRequest(f"Resource provider {id} in inventories parameter not found.")
            rows[id] = self.providers.grow(tx, row, generation)
        for claim in allocations:
            self._give_all(tx, claim.consumer_id)
        for id, (_, wanted) in inventories.items():
            for name, inventory in wanted.items():
                self.providers.set_inventory(tx, rows[id], name, inventory)
        for claim in allocations:
            self.replace(tx, claim)
        for id, (_, wanted) in inventories.items():
            for each in self.providers.inventories(tx, [id])[id]:
                if each.resource_class not in wanted:
                    self.providers.drop_inventory(tx, rows[id], each)

    def _give_all(self, tx: Tx, consumer_id: str) -> None:
        for row in self.held(tx, consumer_id):
            tx.run(queries.GIVE, p=row.provider_id, c=row.resource_class, n=row.amount)
        tx.run(queries.FORGET_HELD, consumer=consumer_id)

    def replace(self, tx: Tx, claim: "Claim") -> None:
        """The whole of what a consumer holds, anew; an empty wish releases it.

        Raises Conflict (no room; another generation of the consumer), BadRequest (an unknown
        provider or class).
        """
        consumer, wanted = tx.get(ConsumerRow, claim.consumer_id), claim.wanted
        known = None if consumer is None else consumer.generation
        if claim.check_generation and claim.generation != known:
            raise Conflict(
                f"consumer generation conflict - expected {known} but got {claim.generation}",
                code=CONCURRENT,
            )
        self._give_all(tx, claim.consumer_id)
        if not any(wanted.values()):
            tx.run(queries.FORGET_CONSUMER, consumer=claim.consumer_id)
            return
        whose = {"project_id": claim.project_id, "user_id": claim.user_id}
        if claim.kind is not None:
            whose["type"] = claim.kind
        if consumer is None:
            tx.insert(
                ConsumerRow(
                    claim.consumer_id,
                    1,
                    claim.project_id,
                    claim.user_id,
                    tx.now,
                    tx.now,
                    claim.kind,
                )
            )
        else:
            generation = consumer.generation + 1
            tx.update(consumer, generation=generation, updated_at=tx.now, **whose)
        for provider_id, resources in wanted.items():
            self._take(tx, claim.consumer_id, provider_id, resources)

    def _take(
        self, tx: Tx, consumer_id: str, provider_id: str, resources: Mapping[str, int]
    ) -> None:
        provider = tx.get(ProviderRow, provider_id)
        if provider is None:
            raise BadRequest(
                f"Allocation for resource provider '{provider_id}' that does not exist."
            )
        have = {
            row.resource_class: row for row in tx.all(queries.INVENTORIES, providers=[provider.id])
        }
        for resource, amount in resources.items():
            self.providers.require_class(tx, resource)
            if not tx.run(queries.TAKE, p=provider.id, c=resource, n=amount):
                reason = lack_of(have, {resource: amount}) or "it was taken at the same time"
                raise Conflict(
                    "Unable to allocate inventory: Unable to create allocation for "
                    f"'{resource}' on resource provider '{provider.id}'. {reason}"
                )
            tx.insert(AllocationRow(consumer_id, provider.id, resource, amount))
        self.providers.grow(tx, provider)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer shall hold."""

    consumer_id: str
    wanted: Wanted
    project_id: str
    user_id: str
    kind: str | None = None
    generation: int | None = None
    check_generation: bool = False


class Stock(msgspec.Struct, frozen=True):
    """What `lack_of` needs of an inventory."""

    capacity: int
    free: int
    min_unit: int
    max_unit: int
    step_size: int


def lack_of(have: Mapping[str, InventoryRow | Stock], resources: Mapping[str, int]) -> str | None:
    """Why a provider with this stock can not give that, or None when it can."""
    for resource, amount in resources.items():
        row = have.get(resource)
        if row is None:
            return f"has no {resource}"
        if amount > row.free:
            return f"{resource}: {amount} wanted, {max(row.free, 0)} of {row.capacity} free"
        if not row.min_unit <= amount <= row.max_unit:
            return f"{resource}: {amount} is not within {row.min_unit}..{row.max_unit} at once"
        if amount % row.step_size:
            return f"{resource}: {amount} is no multiple of {row.step_size}"
    return None


def _same(row: InventoryRow, wanted: Inventory) -> bool:
    return (
        row.total == wanted.total
        and row.reserved == wanted.reserved
        and row.min_unit == wanted.min_unit
        and row.max_unit == wanted.max_unit
        and row.step_size == wanted.step_size
        and row.allocation_ratio == wanted.allocation_ratio
        and row.capacity == capacity_of(wanted.total, wanted.reserved, wanted.allocation_ratio)
    )
