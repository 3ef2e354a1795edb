"""Allocations, usages and allocation candidates on the wire."""

import re
from typing import Annotated, Any

from msgspec import UNSET, Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset
from cumulo.placement.api.common import (
    Amount,
    asked_aggregates,
    asked_resources,
    asked_traits,
    fresh,
    uuid_of,
)
from cumulo.placement.model.provider import AllocationRow, ConsumerRow
from cumulo.placement.service.placement import PlacementService, lack_of

Who = Annotated[str, Meta(min_length=1, max_length=255)]
Resources = Annotated[dict[str, Amount], Meta(min_length=1)]
RULE = "placement:allocations"
_GROUP = re.compile(r"(resources|required|member_of|in_tree)([1-9][0-9]*)?")


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


class HeldBody(Body, kw_only=True):
    allocations: dict[str, Any]
    project_id: Annotated[str | Unset, Since("1.12")] = UNSET
    user_id: Annotated[str | Unset, Since("1.12")] = UNSET
    consumer_generation: Annotated[int | Unset, Since("1.28")] = UNSET


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
                "GET",
                "/allocation_candidates",
                self.candidates,
                policy="placement:allocation_candidates:list",
                since="1.10",
                kind="heavy",
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
        self._placement.replace(
            tx,
            uuid_of(call.path["consumer"], "consumer"),
            wanted,
            project_id=project,
            user_id=user,
            known=None,
            check_generation=False,
        )

    def replace(self, call: Call, tx: Tx) -> None:
        self._replace(tx, uuid_of(call.path["consumer"], "consumer"), call.body)

    def replace_many(self, call: Call, tx: Tx) -> None:
        for consumer_id, wanted in call.body.items():
            self._replace(tx, uuid_of(consumer_id, "consumer"), wanted)

    def _replace(self, tx: Tx, consumer_id: str, body: Allocations) -> None:
        known = body.consumer_generation
        self._placement.replace(
            tx,
            consumer_id,
            {uuid_of(id, "provider"): one.resources for id, one in body.allocations.items()},
            project_id=body.project_id,
            user_id=body.user_id,
            known=None if known is UNSET else known,
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
        return fresh(
            {"usages": self._placement.used_by(tx, project_id, call.query.get("user_id"))}, ()
        )

    # --- candidates ---------------------------------------------------------------------------

    def candidates(self, call: Call, tx: Tx) -> Reply:
        """One provider has to give all that is asked: no provider here has children."""
        asked = _Asked(call)
        stock: dict[str, Any] = {}
        providers = self._providers.listing.page(tx, where={})
        ids = [row.id for row in providers]
        traits, members = self._providers.traits(tx, ids), self._providers.aggregates(tx, ids)
        inventories = self._providers.inventories(tx, ids)
        known = set(self._providers.classes(tx))
        if set(asked.resources) - known:
            unknown = ", ".join(sorted(set(asked.resources) - known))
            raise BadRequest(f"Invalid resource class in resources parameter: {unknown}")
        unknown_traits = (asked.required | asked.forbidden) - self._providers.known_traits(tx)
        if unknown_traits:
            raise BadRequest(f"No such trait(s): {', '.join(sorted(unknown_traits))}.")
        for row in providers:
            have = {each.resource_class: each for each in inventories[row.id]}
            fits = asked.fits(row.id, set(traits[row.id]), set(members[row.id]))
            if fits and not asked.isolated and lack_of(have, asked.resources) is None:
                stock[row.id] = have
        chosen = list(stock)[: asked.limit]
        summaries = {
            id: {
                "resources": {
                    name: {"capacity": each.capacity, "used": each.used}
                    for name, each in stock[id].items()
                },
                **({"traits": traits[id]} if asked.newer("1.17") else {}),
            }
            for id in chosen
        }
        return fresh(
            {
                "allocation_requests": [_request(id, asked) for id in chosen],
                "provider_summaries": summaries,
            },
            (),
        )


class _Asked:
    """The query of allocation candidates."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.resources: dict[str, int] = {}
        self.required: set[str] = set()
        self.forbidden: set[str] = set()
        self.members: list[set[str]] = []
        self.trees: set[str] = set()
        groups = set()
        for name, value in call.query.pairs:
            if name in ("limit", "group_policy"):
                continue
            match = _GROUP.fullmatch(name)
            if match is None:
                raise BadRequest(f"Invalid query string parameters: '{name}' was unexpected")
            groups.add(match[2])
            self._take(match[1], value)
        if not self.resources:
            raise BadRequest("Invalid query string parameters: 'resources' is a required property")
        policy = call.query.get("group_policy")
        numbered = groups - {None}
        if len(numbered) > 1 and policy not in ("none", "isolate"):
            raise BadRequest(
                'The "group_policy" parameter is required when specifying more than one '
                '"resources{N}" parameter.'
            )
        self.isolated = len(numbered) > 1 and policy == "isolate"
        limit = call.query.get("limit")
        self.limit = None if limit is None else whole_or_none(limit)
        if limit is not None and (self.limit is None or self.limit < 1):
            raise BadRequest("Invalid query string parameters: limit must be a positive integer")

    def _take(self, kind: str, value: str) -> None:
        if kind == "resources":
            for name, amount in asked_resources(value).items():
                self.resources[name] = self.resources.get(name, 0) + amount
        elif kind == "required":
            required, forbidden = asked_traits([value])
            self.required |= required
            self.forbidden |= forbidden
        elif kind == "member_of":
            self.members += asked_aggregates([value])
        else:
            self.trees.add(uuid_of(value, "in_tree"))

    def newer(self, version: str) -> bool:
        now = self.call.version
        return now is None or now >= now.parse(version)

    def fits(self, id: str, traits: set[str], members: set[str]) -> bool:
        return (
            self.required <= traits
            and not self.forbidden & traits
            and all(group & members for group in self.members)
            and self.trees <= {id}
        )


def _request(id: str, asked: _Asked) -> dict[str, Any]:
    if asked.newer("1.12"):
        return {"allocations": {id: {"resources": asked.resources}}}
    return {"allocations": [{"resource_provider": {"uuid": id}, "resources": asked.resources}]}


def _note(found: dict[str, Any], row: AllocationRow) -> None:
    found.setdefault(row.consumer_id, {"resources": {}})["resources"][row.resource_class] = (
        row.amount
    )
