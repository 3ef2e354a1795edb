"""Tags of all nouns that have them: networking API v2.0, standard attributes tag extension."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.collection import Collection
from cumulo.network.model.standard import changed
from cumulo.network.service.tools import clean_tags


class TagsBody(msgspec.Struct):
    tags: list[str]


class TagsApi:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def operations(self) -> list[Operation]:
        noun = self._collection.noun
        # Of QoS policies they are not below `qos/`: as the real service has it.
        many = f"/v2.0/{noun.path.rpartition('/')[2]}/{{id}}/tags"
        one = f"{many}/{{tag}}"

        def named(method: str, path: str, handler: Any, verb: str, **more: Any) -> Operation:
            policy = f"{verb}_{noun.plural}_tags"
            return Operation(method, path, handler, policy=policy, early=False, **more)

        return [
            named("GET", many, self.index, "get"),
            named("PUT", many, self.replace, "update", body=TagsBody),
            named("DELETE", many, self.clear, "delete", status=204),
            named("GET", one, self.has, "get", status=204),
            named("PUT", one, self.add, "update", status=201),
            named("DELETE", one, self.remove, "delete", status=204),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        return {"tags": self._collection.find(call, tx).tags}

    def replace(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        return {"tags": changed(tx, row, tags=clean_tags(call.body.tags)).tags}

    def clear(self, call: Call, tx: Tx) -> None:
        changed(tx, self._collection.find(call, tx), tags=[])

    def has(self, call: Call, tx: Tx) -> None:
        self._tagged(call, tx)

    def add(self, call: Call, tx: Tx) -> None:
        row = self._collection.find(call, tx)
        changed(tx, row, tags=clean_tags([*row.tags, call.path["tag"]]))

    def remove(self, call: Call, tx: Tx) -> None:
        row = self._tagged(call, tx)
        changed(tx, row, tags=[tag for tag in row.tags if tag != call.path["tag"]])

    def _tagged(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        if call.path["tag"] not in row.tags:
            raise NotFound(f"Tag {call.path['tag']} could not be found.", kind="TagNotFound")
        return row
