"""QoS specs on the wire, and the volume types that they are for."""

from typing import Annotated, Any

import msgspec

from cumulo.block_storage.api.lists import links, offset_of, page_links
from cumulo.block_storage.model.qos import QosRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import as_bool
from cumulo.core.wire.shapes import StrictBody

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[\\w.:\\- ]+$")]
Text = Annotated[str, msgspec.Meta(max_length=255)]
Specs = dict[Key, Text | int]
"""Numbers are good, too."""


class WriteQos(StrictBody):
    """A name, the consumer, and whatever else counts."""

    qos_specs: Specs


class DropKeys(StrictBody):
    keys: Annotated[list[Key], msgspec.Meta(max_length=64)]


def _body(row: QosRow) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "consumer": row.consumer, "specs": row.specs}


class QosApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._qos = storage.qos
        self._types = storage.types

    def operations(self) -> list[Operation]:
        one, rule = "/qos-specs/{qos_id}", "volume_extension:qos_specs_manage:"
        read, write = f"{rule}get", f"{rule}update"
        return [
            Operation("GET", "/qos-specs", self.index, policy=f"{rule}get_all"),
            Operation("POST", "/qos-specs", self.create, policy=f"{rule}create", body=WriteQos),
            Operation("GET", one, self.show, policy=read),
            Operation("PUT", one, self.update, policy=write, body=WriteQos),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=202),
            Operation(
                "PUT", f"{one}/delete_keys", self.drop_keys, policy=write, body=DropKeys, status=202
            ),
            Operation("GET", f"{one}/associations", self.associations, policy=f"{rule}get_all"),
            # Cinder changes things by GET here, and so do its clients.
            *(
                Operation("GET", f"{one}/{verb}", do, policy=write, status=202, writes=True)
                for verb, do in (
                    ("associate", self.associate),
                    ("disassociate", self.dissociate),
                    ("disassociate_all", self.dissociate_all),
                )
            ),
        ]

    def _found(self, call: Call, tx: Tx) -> QosRow:
        return self._qos.get(tx, call.path["qos_id"])

    def _shown(self, call: Call, row: QosRow) -> Any:
        return {"qos_specs": _body(row), "links": links(call, "qos-specs", row.id)}

    def index(self, call: Call, tx: Tx) -> Any:
        page = page_of(
            call,
            tx,
            self._qos.listing,
            {},
            find_marker=lambda id: self._qos.get(tx, id),
            offset=offset_of(call),
        )
        found = [_body(row) for row in page.rows]
        return {"qos_specs": found, **page_links(call, page, "qos_specs_links")}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = _texts(call.body.qos_specs)
        name, consumer = wish.pop("name", "").strip(), wish.pop("consumer", "back-end")
        if not name:
            raise BadRequest("Please specify a name for QoS specs.")
        return self._shown(call, self._qos.create(tx, name, consumer, wish, call.principal))

    def show(self, call: Call, tx: Tx) -> Any:
        return self._shown(call, self._found(call, tx))

    def update(self, call: Call, tx: Tx) -> Any:
        wish = _texts(call.body.qos_specs)
        wish.pop("name", None)  # it stays what it is, as in Cinder
        self._qos.update(tx, self._found(call, tx), wish, call.principal)
        return {"qos_specs": call.body.qos_specs}

    def delete(self, call: Call, tx: Tx) -> None:
        force = as_bool(call.query.get("force") or "false", "force")
        self._qos.delete(tx, self._found(call, tx), call.principal, force=force)

    def drop_keys(self, call: Call, tx: Tx) -> None:
        self._qos.drop_keys(tx, self._found(call, tx), call.body.keys, call.principal)

    def associations(self, call: Call, tx: Tx) -> Any:
        kinds = self._qos.types_of(tx, self._found(call, tx))
        found = [{"association_type": "volume_type", "id": k.id, "name": k.name} for k in kinds]
        return {"qos_associations": found}

    def _type_of(self, call: Call, tx: Tx) -> Any:
        wanted = call.query.get("vol_type_id")
        if not wanted:
            raise BadRequest("Volume Type id must not be None.")
        return self._types.get(tx, wanted, call.principal)

    def associate(self, call: Call, tx: Tx) -> None:
        self._qos.associate(tx, self._found(call, tx), self._type_of(call, tx))

    def dissociate(self, call: Call, tx: Tx) -> None:
        self._qos.dissociate(tx, self._found(call, tx), [self._type_of(call, tx)])

    def dissociate_all(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        self._qos.dissociate(tx, row, self._qos.types_of(tx, row))


def _texts(specs: dict[str, str | int]) -> dict[str, str]:
    return {name: str(value) for name, value in specs.items()}
