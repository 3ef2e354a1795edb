"""`/cumulo/hosts`: what an operator decides about hosts.

`GET /cumulo/hosts/unknown`: what is on hosts and in no item. `POST …/adopt`: give one to a
project. `POST …/remove`: have its host remove it; nothing else does.
"""

from typing import Annotated, Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.http.operations import Call, Operation, Reply

RULES = {f"cumulo:unknown:{verb}": "rule:system_admin" for verb in ("list", "adopt", "remove")}

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """One unknown thing."""

    host: Name
    kind: Name
    id: Name


class Adoption(Named, forbid_unknown_fields=True, kw_only=True):
    project: Name


class UnknownThing(msgspec.Struct):
    host: str
    kind: str
    id: str
    facts: dict[str, Any]
    found_at: str


class UnknownList(msgspec.Struct):
    unknown: list[UnknownThing]


class Adopted(msgspec.Struct):
    adopted: dict[str, Any]


class HostOperations:
    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def operations(self) -> list[Operation]:
        at = "/hosts/unknown"
        return [
            Operation("GET", at, self.list, policy="cumulo:unknown:list"),
            Operation(
                "POST", f"{at}/adopt", self.adopt, policy="cumulo:unknown:adopt", body=Adoption
            ),
            Operation(
                "POST", f"{at}/remove", self.remove, policy="cumulo:unknown:remove", body=Named
            ),
        ]

    def list(self, call: Call, tx: Tx) -> Any:
        return UnknownList(
            [
                UnknownThing(row.host_id, row.kind, row.id, row.facts, row.found_at)
                for row in self._conductor.unknown.all(tx)
            ]
        )

    def adopt(self, call: Call, tx: Tx) -> Any:
        wish: Adoption = call.body
        made = self._conductor.adopt(tx, wish.host, wish.kind, wish.id, wish.project)
        return Adopted(dict(made))

    def remove(self, call: Call, tx: Tx) -> Reply:
        wish: Named = call.body
        self._conductor.unknown.remove(tx, wish.host, wish.kind, wish.id)
        return Reply(202, None)
