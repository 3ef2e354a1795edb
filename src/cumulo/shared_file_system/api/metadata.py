"""Metadata of any noun that has some: the same five operations everywhere."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.lists import MetaBody, MetadataBody, one_item, refuse_too_much


class Owner(NamedTuple):
    """How a noun's metadata is read and written. `read` and `write` find the noun of the path and
    check the operation's rule; `write` is given all that it shall have."""

    read: Callable[[Call, Tx], dict[str, str]]
    write: Callable[[Call, Tx, dict[str, str]], dict[str, str]]


def metadata_operations(
    path: str, owner: Owner, *, read: str, update: str, remove: str, since: str | None = None
) -> list[Operation]:
    api = _MetadataApi(owner)
    late: dict[str, Any] = {"early": False} | ({} if since is None else {"since": since})
    all_: dict[str, Any] = {**late, "response": bodies.MetadataAnswer}
    one: dict[str, Any] = {**late, "response": bodies.MetaAnswer}
    return [
        Operation("GET", path, api.all, policy=read, **all_),
        Operation("POST", path, api.add, policy=update, body=MetadataBody, **all_),
        Operation("PUT", path, api.replace, policy=update, body=MetadataBody, **all_),
        Operation("GET", f"{path}/{{key}}", api.one, policy=read, **one),
        Operation("PUT", f"{path}/{{key}}", api.set, policy=update, body=MetaBody, **one),
        Operation("DELETE", f"{path}/{{key}}", api.drop, policy=remove, **late),
    ]


def guarded(
    call: Call,
    old: Mapping[str, str],
    new: dict[str, str],
    keys: Sequence[str],
    action: str,
) -> dict[str, str]:
    """What shall be written. Of the keys that only administrators change, what others name is
    refused, and what they leave out stays."""
    for key in keys:
        if new.get(key) == old.get(key):
            continue
        if key in new or call.operation.method == "DELETE":
            call.allow(action=action)
        else:
            new = {**new, key: old[key]}
    return new


class _MetadataApi:
    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def _write(self, call: Call, tx: Tx, metadata: dict[str, str]) -> dict[str, str]:
        refuse_too_much(metadata)
        return self._owner.write(call, tx, metadata)

    def all(self, call: Call, tx: Tx) -> Any:
        return bodies.MetadataAnswer(metadata=self._owner.read(call, tx))

    def add(self, call: Call, tx: Tx) -> Any:
        metadata = {**self._owner.read(call, tx), **call.body.metadata}
        return bodies.MetadataAnswer(metadata=self._write(call, tx, metadata))

    def replace(self, call: Call, tx: Tx) -> Any:
        self._owner.read(call, tx)
        return bodies.MetadataAnswer(metadata=self._write(call, tx, call.body.metadata))

    def one(self, call: Call, tx: Tx) -> Any:
        return bodies.MetaAnswer(meta=one_item(self._owner.read(call, tx), call.path["key"]))

    def set(self, call: Call, tx: Tx) -> Any:
        item = one_item(call.body.meta, call.path["key"])
        self._write(call, tx, {**self._owner.read(call, tx), **item})
        return bodies.MetaAnswer(meta=item)

    def drop(self, call: Call, tx: Tx) -> None:
        metadata = self._owner.read(call, tx)
        gone = one_item(metadata, call.path["key"])
        self._write(call, tx, {k: v for k, v in metadata.items() if k not in gone})
