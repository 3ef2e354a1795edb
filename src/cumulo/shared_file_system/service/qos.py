"""QoS types: administrators' words, kept and shown. No pool here holds a share to them, so no
share is made with one."""

from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.model.qos import QosTypeRow
from cumulo.shared_file_system.queries import qos as queries

MOST_SPECS = 128


class QosTypes:
    listing = queries.QOS_TYPES

    def get(self, tx: Tx, id: str) -> QosTypeRow:
        row = tx.get(QosTypeRow, id)
        if row is None:
            raise NotFound(f"QoS type {id} could not be found.")
        return row

    def create(
        self, tx: Tx, who: Principal, name: str, description: str | None, specs: dict[str, str]
    ) -> QosTypeRow:
        if tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"QoS type {name} already exists.")
        row = QosTypeRow(new_id(), name, description, specs, tx.now, None)
        tx.insert(row)
        emit(tx, "share.qos_type.create", row.id, principal=who, name=name)
        return row

    def update(self, tx: Tx, row: QosTypeRow, who: Principal, **changes: Any) -> QosTypeRow:
        if len(changes.get("specs", ())) > MOST_SPECS:
            raise BadRequest(f"A QoS type has {MOST_SPECS} specs at most.")
        emit(tx, "share.qos_type.update", row.id, principal=who)
        return tx.update(row, updated_at=tx.now, **changes)

    def delete(self, tx: Tx, row: QosTypeRow, who: Principal) -> None:
        tx.delete(row)
        emit(tx, "share.qos_type.delete", row.id, principal=who, name=row.name)
