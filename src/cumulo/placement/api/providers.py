"""Resource providers on the wire, with their inventories, traits, aggregates and usages."""

from typing import Annotated, Any

from msgspec import UNSET, Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply, refuse_query
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Since, StrictBody, Unset
from cumulo.placement.api.common import (
    InventoryWish,
    asked_members,
    asked_resources,
    asked_trait_sets,
    at,
    fresh,
    inventory_body,
    provider_body,
    uuid_of,
)
from cumulo.placement.model.provider import ProviderRow
from cumulo.placement.service.placement import PlacementService, lack_of

Name = Annotated[str, Meta(min_length=1, max_length=200)]
RULE = "placement:resource_providers"


class NewProvider(StrictBody):
    name: Name
    uuid: Uuid | None = None
    parent_provider_uuid: Annotated[Uuid | None, Since("1.14")] = None


class ChangedProvider(StrictBody):
    name: Name
    parent_provider_uuid: Annotated[Uuid | Unset | None, Since("1.14")] = UNSET


class InventoryRecord(InventoryWish, kw_only=True):
    resource_provider_generation: int | Unset = UNSET
    """Nobody looks at it: the provider's own generation counts."""


class Inventories(StrictBody):
    resource_provider_generation: int
    inventories: dict[str, InventoryRecord]


class OneInventory(InventoryWish, kw_only=True):
    resource_provider_generation: int


class NewInventory(InventoryRecord, kw_only=True):
    resource_class: str


class Traits(StrictBody):
    resource_provider_generation: int
    traits: Annotated[list[str], Meta(max_length=1000)]


class Aggregates(StrictBody):
    """API 1.19; before it the body is the bare list."""

    resource_provider_generation: int
    aggregates: Annotated[list[Uuid], Meta(max_length=1000)]


class ProvidersApi:
    def __init__(self, placement: PlacementService) -> None:
        self._placement = placement
        self._providers = placement.providers

    def operations(self) -> list[Operation]:
        all_, one = "/resource_providers", "/resource_providers/{uuid}"
        make: dict[str, Any] = {"policy": f"{RULE}:create", "body": NewProvider}
        return [
            Operation("GET", all_, self.index, policy=f"{RULE}:list", kind="heavy"),
            Operation("POST", all_, self.create, status=201, until="1.19", **make),
            Operation("POST", all_, self.create_and_show, since="1.20", **make),
            Operation("GET", one, self.show, policy=f"{RULE}:show"),
            Operation("PUT", one, self.update, policy=f"{RULE}:update", body=ChangedProvider),
            Operation("DELETE", one, self.delete, policy=f"{RULE}:delete", status=204),
            *self._inventory_operations(one + "/inventories"),
            Operation("GET", one + "/usages", self.usages, policy=f"{RULE}:usages:list"),
            *self._label_operations(one + "/traits", one + "/aggregates"),
        ]

    def _inventory_operations(self, all_: str) -> list[Operation]:
        rule, one = f"{RULE}:inventories", all_ + "/{resource_class}"
        return [
            Operation("GET", all_, self.inventories, policy=f"{rule}:list"),
            Operation(
                "POST",
                all_,
                self.add_inventory,
                policy=f"{rule}:create",
                body=NewInventory,
                status=201,
            ),
            Operation("PUT", all_, self.set_inventories, policy=f"{rule}:update", body=Inventories),
            Operation(
                "DELETE",
                all_,
                self.drop_inventories,
                policy=f"{rule}:delete",
                status=204,
                since="1.5",
            ),
            Operation("GET", one, self.inventory, policy=f"{rule}:show"),
            Operation("PUT", one, self.set_inventory, policy=f"{rule}:update", body=OneInventory),
            Operation("DELETE", one, self.drop_inventory, policy=f"{rule}:delete", status=204),
        ]

    def _label_operations(self, traits: str, aggregates: str) -> list[Operation]:
        rule, other = f"{RULE}:traits", f"{RULE}:aggregates"
        return [
            Operation("GET", traits, self.traits, policy=f"{rule}:list", since="1.6"),
            Operation(
                "PUT", traits, self.set_traits, policy=f"{rule}:update", body=Traits, since="1.6"
            ),
            Operation(
                "DELETE",
                traits,
                self.drop_traits,
                policy=f"{rule}:delete",
                status=204,
                since="1.6",
            ),
            Operation(
                "GET",
                aggregates,
                self.old_aggregates,
                policy=f"{other}:list",
                since="1.1",
                until="1.18",
            ),
            Operation(
                "PUT",
                aggregates,
                self.set_old_aggregates,
                policy=f"{other}:update",
                body=list[Uuid],
                since="1.1",
                until="1.18",
            ),
            Operation("GET", aggregates, self.aggregates, policy=f"{other}:list", since="1.19"),
            Operation(
                "PUT",
                aggregates,
                self.set_aggregates,
                policy=f"{other}:update",
                body=Aggregates,
                since="1.19",
            ),
        ]

    # --- providers ----------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        refuse_query(call, {"name", "uuid", "member_of", "resources", "required", "in_tree"})
        where: dict[str, Any] = {}
        if (name := call.query.get("name")) is not None:
            where["name"] = name
        if (id := call.query.get("uuid")) is not None:
            where["ids"] = [uuid_of(id, "uuid")]
        if (id := call.query.get("in_tree")) is not None:
            member = tx.get(ProviderRow, uuid_of(id, "in_tree"))
            where["root_id"] = "" if member is None else member.root_id
        rows = self._providers.listing.page(tx, where=where)
        rows = self._filtered(call, tx, rows)
        body = {"resource_providers": [provider_body(call, row) for row in rows]}
        return fresh(body, (row.updated_at for row in rows))

    def _filtered(self, call: Call, tx: Tx, rows: list[ProviderRow]) -> list[ProviderRow]:
        ids = [row.id for row in rows]
        groups, unwanted = asked_members(call, call.query.all("member_of"))
        if groups or unwanted:
            member = {id: set(found) for id, found in self._providers.aggregates(tx, ids).items()}
            rows = [
                row
                for row in rows
                if all(group & member[row.id] for group in groups) and not unwanted & member[row.id]
            ]
        required, forbidden = asked_trait_sets(call, call.query.all("required"))
        if required or forbidden:
            self._check_traits(tx, {name for each in required for name in each} | forbidden)
            traits = {id: set(found) for id, found in self._providers.traits(tx, ids).items()}
            rows = [
                row
                for row in rows
                if all(each & traits[row.id] for each in required)
                and not forbidden & traits[row.id]
            ]
        asked = call.query.get("resources")
        if asked is not None:
            wanted = asked_resources(asked)
            stock = self._providers.inventories(tx, ids)
            rows = [
                row
                for row in rows
                if lack_of({each.resource_class: each for each in stock[row.id]}, wanted) is None
            ]
        return rows

    def _check_traits(self, tx: Tx, names: set[str]) -> None:
        unknown = sorted(names - self._providers.known_traits(tx))
        if unknown:
            raise BadRequest(f"No such trait(s): {', '.join(unknown)}.")

    def create(self, call: Call, tx: Tx) -> Reply:
        return Reply(201, None, {"Location": self._create(call, tx)[1]})

    def create_and_show(self, call: Call, tx: Tx) -> Reply:
        row, location = self._create(call, tx)
        reply = fresh(provider_body(call, row), [row.updated_at])
        return Reply(200, reply.body, {**reply.headers, "Location": location})

    def _create(self, call: Call, tx: Tx) -> tuple[ProviderRow, str]:
        body: NewProvider = call.body
        row = self._providers.create(tx, body.name, body.uuid, body.parent_provider_uuid)
        return row, f"{call.base_url}/resource_providers/{row.id}"

    def show(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        return fresh(provider_body(call, row), [row.updated_at])

    def update(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        parent = call.body.parent_provider_uuid
        row = self._providers.rename(tx, row.id, call.body.name)
        if parent is not UNSET:
            row = self._providers.move(tx, row, parent, freely=at(call, 37))
        return fresh(provider_body(call, row), [row.updated_at])

    def delete(self, call: Call, tx: Tx) -> None:
        self._providers.delete(tx, call.path["uuid"])

    def _one(self, call: Call, tx: Tx) -> ProviderRow:
        return self._providers.get(tx, call.path["uuid"])

    # --- inventories ------------------------------------------------------------------------

    def _stock(self, tx: Tx, row: ProviderRow) -> Reply:
        found = self._providers.inventories(tx, [row.id])[row.id]
        body = {
            "resource_provider_generation": row.generation,
            "inventories": {each.resource_class: inventory_body(each) for each in found},
        }
        return fresh(body, [row.updated_at])

    def inventories(self, call: Call, tx: Tx) -> Reply:
        return self._stock(tx, self._one(call, tx))

    def inventory(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        return self._one_stock(tx, row, call.path["resource_class"])

    def _one_stock(self, tx: Tx, row: ProviderRow, name: str, status: int = 200) -> Reply:
        found = inventory_body(self._providers.inventory(tx, row, name))
        body = {**found, "resource_provider_generation": row.generation}
        return fresh(body, [row.updated_at], status)

    def add_inventory(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        body: NewInventory = call.body
        self._providers.set_inventory(tx, row, body.resource_class, body.inventory(), new=True)
        row = self._providers.grow(tx, row)
        reply = self._one_stock(tx, row, body.resource_class, 201)
        place = f"{call.url}/{body.resource_class}"
        return Reply(201, reply.body, {**reply.headers, "Location": place})

    def set_inventories(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        body: Inventories = call.body
        row = self._providers.grow(tx, row, body.resource_provider_generation)
        wanted = {name: wish.inventory() for name, wish in body.inventories.items()}
        self._providers.replace_inventories(tx, row, wanted)
        return self._stock(tx, row)

    def set_inventory(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        body: OneInventory = call.body
        name = call.path["resource_class"]
        row = self._providers.grow(tx, row, body.resource_provider_generation)
        try:
            self._providers.inventory(tx, row, name)
        except NotFound:
            raise BadRequest(
                f"No inventory record with resource class for resource provider {row.id}: there "
                f"is none of class {name}."
            ) from None
        self._providers.set_inventory(tx, row, name, body.inventory())
        return self._one_stock(tx, row, name)

    def drop_inventories(self, call: Call, tx: Tx) -> None:
        row = self._providers.grow(tx, self._one(call, tx))
        self._providers.replace_inventories(tx, row, {})

    def drop_inventory(self, call: Call, tx: Tx) -> None:
        row = self._one(call, tx)
        found = self._providers.inventory(tx, row, call.path["resource_class"])
        self._providers.drop_inventory(tx, self._providers.grow(tx, row), found)

    def usages(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        found = self._providers.inventories(tx, [row.id])[row.id]
        body = {
            "resource_provider_generation": row.generation,
            "usages": {each.resource_class: each.used for each in found},
        }
        return fresh(body, [row.updated_at])

    # --- traits, aggregates -------------------------------------------------------------------

    def _labels(self, tx: Tx, row: ProviderRow) -> Reply:
        body = {
            "resource_provider_generation": row.generation,
            "traits": self._providers.traits(tx, [row.id])[row.id],
        }
        return fresh(body, [row.updated_at])

    def traits(self, call: Call, tx: Tx) -> Reply:
        return self._labels(tx, self._one(call, tx))

    def set_traits(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        row = self._providers.grow(tx, row, call.body.resource_provider_generation)
        self._providers.set_traits(tx, row, call.body.traits)
        return self._labels(tx, row)

    def drop_traits(self, call: Call, tx: Tx) -> None:
        self._providers.set_traits(tx, self._providers.grow(tx, self._one(call, tx)), ())

    def old_aggregates(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        found = self._providers.aggregates(tx, [row.id])[row.id]
        return fresh({"aggregates": found}, [row.updated_at])

    def set_old_aggregates(self, call: Call, tx: Tx) -> Reply:
        self._providers.set_aggregates(tx, self._one(call, tx), call.body)
        return self.old_aggregates(call, tx)

    def aggregates(self, call: Call, tx: Tx) -> Reply:
        return self._groups(tx, self._one(call, tx))

    def _groups(self, tx: Tx, row: ProviderRow) -> Reply:
        body = {
            "resource_provider_generation": row.generation,
            "aggregates": self._providers.aggregates(tx, [row.id])[row.id],
        }
        return fresh(body, [row.updated_at])

    def set_aggregates(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        row = self._providers.grow(tx, row, call.body.resource_provider_generation)
        self._providers.set_aggregates(tx, row, call.body.aggregates)
        return self._groups(tx, row)
