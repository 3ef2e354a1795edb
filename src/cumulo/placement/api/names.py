"""Resource classes and traits on the wire."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.placement.api.common import fresh
from cumulo.placement.service.placement import PlacementService


class NewClass(StrictBody):
    name: Annotated[str, Meta(max_length=255, pattern="^CUSTOM_[A-Z0-9_]+$")]


class NamesApi:
    def __init__(self, placement: PlacementService) -> None:
        self._providers = placement.providers

    def operations(self) -> list[Operation]:
        classes, one = "/resource_classes", "/resource_classes/{name}"
        rule, trait = "placement:resource_classes", "/traits/{name}"
        return [
            Operation("GET", classes, self.classes, policy=f"{rule}:list", since="1.2"),
            Operation(
                "POST",
                classes,
                self.make_class,
                policy=f"{rule}:create",
                body=NewClass,
                status=201,
                since="1.2",
            ),
            Operation("GET", one, self.show_class, policy=f"{rule}:show", since="1.2"),
            Operation("PUT", one, self.ensure_class, policy=f"{rule}:update", since="1.7"),
            Operation(
                "DELETE", one, self.drop_class, policy=f"{rule}:delete", status=204, since="1.2"
            ),
            Operation("GET", "/traits", self.traits, policy="placement:traits:list", since="1.6"),
            Operation("GET", trait, self.show_trait, policy="placement:traits:show", since="1.6"),
            Operation("PUT", trait, self.make_trait, policy="placement:traits:update", since="1.6"),
            Operation(
                "DELETE",
                trait,
                self.drop_trait,
                policy="placement:traits:delete",
                status=204,
                since="1.6",
            ),
        ]

    def classes(self, call: Call, tx: Tx) -> Reply:
        names = self._providers.classes(tx)
        return fresh({"resource_classes": [_class(name) for name in names]}, ())

    def make_class(self, call: Call, tx: Tx) -> Reply:
        if not self._providers.make_class(tx, call.body.name):
            raise Conflict(f"Conflicting resource class already exists: {call.body.name}")
        return Reply(201, None, {"Location": f"{call.url}/{call.body.name}"})

    def show_class(self, call: Call, tx: Tx) -> Reply:
        name = call.path["name"]
        if name not in self._providers.classes(tx):
            raise NotFound(f"No such resource class {name}")
        return fresh(_class(name), ())

    def ensure_class(self, call: Call, tx: Tx) -> Reply:
        new = self._providers.make_class(tx, call.path["name"])
        return Reply(201 if new else 204, None, {"Location": call.url})

    def drop_class(self, call: Call, tx: Tx) -> None:
        self._providers.drop_class(tx, call.path["name"])

    def traits(self, call: Call, tx: Tx) -> Any:
        names = sorted(self._providers.known_traits(tx))
        wanted = call.query.get("name")
        if wanted is not None:
            if wanted.startswith("in:"):
                names = [name for name in names if name in wanted[3:].split(",")]
            elif wanted.startswith("startswith:"):
                names = [name for name in names if name.startswith(wanted[11:])]
        associated = call.query.get("associated")
        if associated is not None:
            used = self._providers.used_traits(tx)
            yes = associated.lower() in ("true", "1")
            names = [name for name in names if (name in used) == yes]
        return fresh({"traits": names}, ())

    def show_trait(self, call: Call, tx: Tx) -> Reply:
        name = call.path["name"]
        if name not in self._providers.known_traits(tx):
            raise NotFound(f"No such trait(s): {name}.")
        return fresh(None, (), 204)

    def make_trait(self, call: Call, tx: Tx) -> Reply:
        new = self._providers.make_trait(tx, call.path["name"])
        reply = fresh(None, (), 201 if new else 204)
        return Reply(reply.status, None, {**reply.headers, "Location": call.url})

    def drop_trait(self, call: Call, tx: Tx) -> None:
        self._providers.drop_trait(tx, call.path["name"])


def _class(name: str) -> dict[str, Any]:
    path = f"/placement/resource_classes/{name}"
    return {"name": name, "links": [{"rel": "self", "href": path}]}
