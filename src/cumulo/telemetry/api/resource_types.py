"""Gnocchi's types of resources."""

from typing import Annotated, Any
from urllib.parse import quote

from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.telemetry.api.bodies import type_body
from cumulo.telemetry.service.types import Types


class NewType(StrictBody):
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    attributes: dict[str, dict[str, Any]] = {}


class Patch(StrictBody):
    op: str
    path: Annotated[str, Meta(max_length=300)]
    value: dict[str, Any] = {}


class ResourceTypesApi:
    def __init__(self, types: Types) -> None:
        self._types = types

    def operations(self) -> list[Operation]:
        all_, one = "/v1/resource_type", "/v1/resource_type/{name}"
        word = "resource type"
        return [
            Operation("GET", all_, self.index, policy=f"list {word}"),
            Operation("POST", all_, self.create, policy=f"create {word}", body=NewType, status=201),
            Operation("GET", one, self.show, policy=f"get {word}"),
            Operation(
                "PATCH",
                one,
                self.update,
                policy=f"update {word}",
                body=Annotated[list[Patch], Meta(max_length=100)],
            ),
            Operation("DELETE", one, self.delete, policy=f"delete {word}", status=204),
            Operation("GET", "/v1/resource", self.roots, policy="list resource"),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        return [type_body(name, how) for name, how in self._types.all(tx).items()]

    def show(self, call: Call, tx: Tx) -> Any:
        name = call.path["name"]
        return type_body(name, self._types.attributes(tx, name))

    def create(self, call: Call, tx: Tx) -> Any:
        body: NewType = call.body
        made = self._types.create(tx, body.name, body.attributes)
        where = {"Location": f"{call.base_url}/v1/resource_type/{quote(body.name)}"}
        return Reply(201, type_body(body.name, made), where)

    def update(self, call: Call, tx: Tx) -> Any:
        name = call.path["name"]
        changes = [{"op": each.op, "path": each.path, "value": each.value} for each in call.body]
        return type_body(name, self._types.update(tx, name, changes))

    def delete(self, call: Call, tx: Tx) -> None:
        self._types.delete(tx, call.path["name"])

    def roots(self, call: Call, tx: Tx) -> Any:
        return {name: f"{call.base_url}/v1/resource/{name}" for name in self._types.all(tx)}
