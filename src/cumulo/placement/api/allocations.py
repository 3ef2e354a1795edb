"""Allocations, usages and allocation candidates on the wire."""

from typing import Annotated, Any

from msgspec import UNSET, Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset
from cumulo.placement.api.common import (
    Amount,
    InventoryWish,
    at,
    fresh,
    uuid_of,
)
from cumulo.placement.model.provider import AllocationRow, ConsumerRow
from cumulo.placement.service.placement import UNKNOWN, Claim, PlacementService

Who = Annotated[str, Meta(min_length=1, max_length=255)]
ConsumerType = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[A-Z0-9_]+\Z")]
Resources = Annotated[dict[str, Amount], Meta(min_length=1)]
RULE = "placement:allocations"


class ProviderName(StrictBody):
    uuid: str


class OldAllocation(StrictBody):
    resource_provider: ProviderName
    resources: Resources


class OldAllocations(StrictBody):
    """API 1.0 to 1.11: a list."""

    allocations: Annotated[list[OldAllocation], Meta(min_length=1)]
    project_id: Annotated[Who | Unset, Since("1.8")] = UNSET
    user_id: Annotated[Who | Unset, Since("1.8")] = UNSET


class Allocation(StrictBody):
    resources: Resources
    generation: int | Unset = UNSET


class Allocations(StrictBody):
    """API 1.12: by provider."""

    allocations: dict[str, Allocation]
    project_id: Who
    user_id: Who
    consumer_generation: Annotated[int | Unset | None, Since("1.28")] = UNSET
    mappings: Annotated[dict[str, list[Uuid]] | Unset, Since("1.34")] = UNSET
    """What a candidate said of its groups: accepted as it was given, and not kept."""
    consumer_type: Annotated[ConsumerType | Unset, Since("1.38")] = UNSET


class NewInventories(StrictBody):
    resource_provider_generation: int
    inventories: dict[str, InventoryWish]


class Reshaper(StrictBody):
    """API 1.30"""

    inventories: Annotated[dict[str, NewInventories], Meta(max_length=1000)]
    allocations: Annotated[dict[str, Allocations], Meta(max_length=10000)]


class HeldBody(Body, kw_only=True):
    allocations: dict[str, Any]
    project_id: Annotated[str | Unset, Since("1.12")] = UNSET
    user_id: Annotated[str | Unset, Since("1.12")] = UNSET
    consumer_generation: Annotated[int | Unset, Since("1.28")] = UNSET
    consumer_type: Annotated[str | Unset, Since("1.38")] = UNSET


class AllocationsApi:
    def __init__(self, placement: PlacementService) -> None:
        self._placement = placement
        self._providers = placement.providers

    def operations(self) -> list[Operation]:
        one, on = "/allocations/{consumer}", "/resource_providers/{uuid}/allocations"
        update = f"{RULE}:update"
        return [
            Operation("GET", one, self.show, policy=f"{RULE}:list"),
            Operation(
                "PUT",
                one,
                self.replace_old,
                policy=update,
                body=OldAllocations,
                status=204,
                until="1.11",
            ),
            Operation(
                "PUT", one, self.replace, policy=update, body=Allocations, status=204, since="1.12"
            ),
            Operation("DELETE", one, self.delete, policy=f"{RULE}:delete", status=204),
            Operation(
                "POST",
                "/allocations",
                self.replace_many,
                policy=f"{RULE}:manage",
                body=dict[str, Allocations],
                status=204,
                since="1.13",
            ),
            Operation(
                "GET", on, self.on_provider, policy="placement:resource_providers:allocations:list"
            ),
            Operation(
                "GET", "/usages", self.usages, policy="placement:usages", early=False, since="1.9"
            ),
            Operation(
                "POST",
                "/reshaper",
                self.reshape,
                policy="placement:reshaper:reshape",
                body=Reshaper,
                status=204,
                since="1.30",
            ),
        ]

    def show(self, call: Call, tx: Tx) -> Reply:
        consumer = tx.get(ConsumerRow, call.path["consumer"])
        body = HeldBody(allocations={})
        if consumer is None:
            return fresh(body, ())
        found: dict[str, Any] = {}
        for row in self._placement.held(tx, consumer.id):
            one = found.get(row.provider_id)
            if one is None:
                generation = self._providers.get(tx, row.provider_id).generation
                one = found[row.provider_id] = {"resources": {}, "generation": generation}
            one["resources"][row.resource_class] = row.amount
        body.allocations = found
        body.project_id, body.user_id = consumer.project_id, consumer.user_id
        body.consumer_generation = consumer.generation
        body.consumer_type = consumer.type or UNKNOWN
        return fresh(body, [consumer.updated_at])

    def on_provider(self, call: Call, tx: Tx) -> Reply:
        provider = self._providers.get(tx, call.path["uuid"])
        found: dict[str, Any] = {}
        for row in self._placement.held_on(tx, provider.id):
            _note(found, row)
        body = {"allocations": found, "resource_provider_generation": provider.generation}
        return fresh(body, [provider.updated_at])

    def replace_old(self, call: Call, tx: Tx) -> None:
        body: OldAllocations = call.body
        wanted = {
            uuid_of(a.resource_provider.uuid, "provider"): a.resources for a in body.allocations
        }
        who = call.principal
        project = who.project_id or "" if body.project_id is UNSET else body.project_id
        user = who.user_id if body.user_id is UNSET else body.user_id
        claim = Claim(
            consumer_id=uuid_of(call.path["consumer"], "consumer"),
            wanted=wanted,
            project_id=project,
            user_id=user,
        )
        self._placement.replace(tx, claim)

    def replace(self, call: Call, tx: Tx) -> None:
        self._placement.replace(tx, self._claim(call, call.path["consumer"], call.body))

    def replace_many(self, call: Call, tx: Tx) -> None:
        for claim in [self._claim(call, id, wanted) for id, wanted in call.body.items()]:
            self._placement.replace(tx, claim)

    def reshape(self, call: Call, tx: Tx) -> None:
        body: Reshaper = call.body
        inventories = {
            uuid_of(id, "provider"): (
                each.resource_provider_generation,
                {name: wish.inventory() for name, wish in each.inventories.items()},
            )
            for id, each in body.inventories.items()
        }
        claims = [self._claim(call, id, wanted) for id, wanted in body.allocations.items()]
        self._placement.reshape(tx, inventories, claims)

    def _claim(self, call: Call, consumer_id: str, body: Allocations) -> Claim:
        known = body.consumer_generation
        if known is UNSET and at(call, 28):
            raise BadRequest("JSON does not validate: 'consumer_generation' is a required property")
        if body.consumer_type is UNSET and at(call, 38):
            raise BadRequest("JSON does not validate: 'consumer_type' is a required property")
        return Claim(
            consumer_id=uuid_of(consumer_id, "consumer"),
            wanted={uuid_of(id, "provider"): a.resources for id, a in body.allocations.items()},
            project_id=body.project_id,
            user_id=body.user_id,
            kind=None if body.consumer_type is UNSET else str(body.consumer_type),
            generation=None if known is UNSET or known is None else int(known),
            check_generation=known is not UNSET,
        )

    def delete(self, call: Call, tx: Tx) -> None:
        consumer_id = call.path["consumer"]
        if not self._placement.held(tx, consumer_id):
            raise NotFound(f"No allocations for consumer '{consumer_id}'")
        self._placement.release(tx, consumer_id)

    def usages(self, call: Call, tx: Tx) -> Reply:
        project_id = call.query.get("project_id")
        if not project_id:
            raise BadRequest("Invalid query string parameters: 'project_id' is a required property")
        call.allow({"project_id": project_id})
        user_id = call.query.get("user_id")
        if not at(call, 38):
            return fresh({"usages": self._placement.used_by(tx, project_id, user_id)}, ())
        kind = call.query.get("consumer_type")
        found = self._placement.used_by_type(tx, project_id, user_id)
        if kind == "all":
            found = {"all": _summed(found)} if found else {}
        elif kind is not None:
            found = {name: each for name, each in found.items() if name == kind}
        return fresh({"usages": found}, ())


def _summed(usages: dict[str, dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in usages.values():
        for name, amount in each.items():
            total[name] = total.get(name, 0) + amount
    return total


def _note(found: dict[str, Any], row: AllocationRow) -> None:
    found.setdefault(row.consumer_id, {"resources": {}})["resources"][row.resource_class] = (
        row.amount
    )
