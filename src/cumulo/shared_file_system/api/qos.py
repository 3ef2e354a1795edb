"""QoS types on the wire (2.94)."""

from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import Name
from cumulo.core.wire.shapes import Body, Unset
from cumulo.shared_file_system.api.bodies import Links
from cumulo.shared_file_system.api.lists import (
    Metadata,
    Text255,
    filters,
    links,
    offset_of,
    one_item,
    page_links,
)
from cumulo.shared_file_system.model.qos import QosTypeRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService


class QosBody(Body):
    id: str
    name: str
    description: str | None
    specs: dict[str, str]
    created_at: str
    updated_at: str | None
    links: Links


class QosAnswer(Body):
    qos_type: QosBody


class QosList(Body):
    qos_types: list[QosBody]
    qos_types_links: Links | Unset = UNSET


class NewQos(Body):
    name: Name
    description: Text255 | None = None
    specs: Metadata | None = None


class CreateQos(Body):
    qos_type: NewQos


class QosChanges(Body):
    description: Text255 | Unset | None = UNSET


class UpdateQos(Body):
    qos_type: QosChanges


class SpecsBody(Body):
    specs: Metadata


class SpecsAnswer(Body):
    specs: dict[str, str]


class QosApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._qos = service.qos

    def operations(self) -> list[Operation]:
        all_, one, rule = "/qos-types", "/qos-types/{qos_id}", "qos_type:"
        specs, spec, of = f"{one}/specs", f"{one}/specs/{{key}}", "qos_type_spec:"
        since: dict[str, Any] = {"since": "2.94"}
        answer: dict[str, Any] = {"response": QosAnswer, **since}
        item: dict[str, Any] = {"response": dict[str, str], **since}
        return [
            Operation("GET", all_, self.index, policy=f"{rule}index", response=QosList, **since),
            Operation("POST", all_, self.create, policy=f"{rule}create", body=CreateQos, **answer),
            Operation("GET", one, self.show, policy=f"{rule}show", **answer),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateQos, **answer),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=204, **since),
            Operation("GET", specs, self.specs, policy=f"{of}index", response=SpecsAnswer, **since),
            Operation("POST", specs, self.add, policy=f"{of}create", body=SpecsBody,
                      response=SpecsAnswer, **since),
            Operation("GET", spec, self.spec, policy=f"{of}show", **item),
            Operation("PUT", spec, self.set_spec, policy=f"{of}update", body=Metadata, **item),
            Operation("DELETE", spec, self.drop, policy=f"{of}delete", status=204, **since),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> QosTypeRow:
        return self._qos.get(tx, call.path["qos_id"])

    def index(self, call: Call, tx: Tx) -> Any:
        where = filters(call, ("id", "name", "name~", "description", "description~"))
        page = page_of(call, tx, self._qos.listing, where, offset=offset_of(call),
                       find_marker=lambda id: self._qos.get(tx, id))  # fmt: skip
        found = [_body(call, row) for row in page.rows]
        return QosList(qos_types=found, qos_types_links=page_links(call, page))

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.qos_type
        row = self._qos.create(
            tx, call.principal, wish.name, wish.description, dict(wish.specs or {})
        )
        return QosAnswer(qos_type=_body(call, row))

    def show(self, call: Call, tx: Tx) -> Any:
        return QosAnswer(qos_type=_body(call, self._found(call, tx)))

    def update(self, call: Call, tx: Tx) -> Any:
        row, wish = self._found(call, tx), call.body.qos_type
        if wish.description is not UNSET:
            row = self._qos.update(tx, row, call.principal, description=wish.description)
        return QosAnswer(qos_type=_body(call, row))

    def delete(self, call: Call, tx: Tx) -> None:
        self._qos.delete(tx, self._found(call, tx), call.principal)

    # --- specs ------------------------------------------------------------------------------

    def specs(self, call: Call, tx: Tx) -> Any:
        return SpecsAnswer(specs=self._found(call, tx).specs)

    def _write(self, call: Call, tx: Tx, row: QosTypeRow, specs: dict[str, str]) -> None:
        self._qos.update(tx, row, call.principal, specs=specs)

    def add(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        self._write(call, tx, row, {**row.specs, **call.body.specs})
        return SpecsAnswer(specs=call.body.specs)

    def spec(self, call: Call, tx: Tx) -> Any:
        return one_item(self._found(call, tx).specs, call.path["key"])

    def set_spec(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        if set(call.body) != {call.path["key"]}:
            raise BadRequest("Request body and URI mismatch, or more than one item.")
        self._write(call, tx, row, {**row.specs, **call.body})
        return call.body

    def drop(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        gone = one_item(row.specs, call.path["key"])
        self._write(call, tx, row, {k: v for k, v in row.specs.items() if k not in gone})


def _body(call: Call, row: QosTypeRow) -> QosBody:
    return QosBody(
        id=row.id,
        name=row.name,
        description=row.description,
        specs=row.specs,
        created_at=row.created_at,
        updated_at=row.updated_at,
        links=links(call, "qos-types", row.id),
    )
