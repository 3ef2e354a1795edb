"""QoS specs: the verbs. What changes counts for volumes that are attached from then on."""

from collections.abc import Sequence
from typing import Any

from cumulo.block_storage.model.qos import CONSUMERS, Consumer, QosRow, mistake_in, throttle_of
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.queries import qos as queries
from cumulo.block_storage.queries import type as types
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id

MOST_SPECS = 64
MOST_TYPES = 1000


class Qos:
    listing = queries.QOS

    def get(self, tx: Tx, qos_id: str) -> QosRow:
        row = tx.get(QosRow, qos_id)
        if row is None:
            raise NotFound(f"No such qos specs {qos_id}.")
        return row

    def create(
        self, tx: Tx, name: str, consumer: str, specs: dict[str, str], who: Principal
    ) -> QosRow:
        if tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"Qos specs {name} already exists.")
        row = QosRow(new_id(), name, self._checked(consumer, specs), specs, tx.now, None)
        tx.insert(row)
        emit(tx, "volume.qos.create", row.id, principal=who, name=name)
        return row

    def update(self, tx: Tx, row: QosRow, specs: dict[str, str], who: Principal) -> QosRow:
        """`specs` may name the consumer."""
        changed = dict(specs)
        consumer = changed.pop("consumer", row.consumer)
        return self._write(tx, row, consumer, {**row.specs, **changed}, who)

    def drop_keys(self, tx: Tx, row: QosRow, keys: Sequence[str], who: Principal) -> QosRow:
        for key in keys:
            if key not in row.specs:
                raise BadRequest(f"Qos specs {row.id} has no spec with key {key}.")
        left = {name: value for name, value in row.specs.items() if name not in keys}
        return self._write(tx, row, row.consumer, left, who)

    def delete(self, tx: Tx, row: QosRow, who: Principal, *, force: bool) -> None:
        used = self.types_of(tx, row)
        if used and not force:
            raise BadRequest("Qos specs still in use.")
        self.dissociate(tx, row, used)
        tx.delete(row)
        emit(tx, "volume.qos.delete", row.id, principal=who, name=row.name)

    def types_of(self, tx: Tx, row: QosRow) -> list[TypeRow]:
        return tx.all(types.OF_QOS, qos=row.id)

    def associate(self, tx: Tx, row: QosRow, kind: TypeRow) -> None:
        if kind.qos_id not in (None, row.id):
            raise BadRequest(
                f"Invalid volume type: Type {kind.id} is already associated with another qos "
                f"specs: {kind.qos_id}"
            )
        if len(self.types_of(tx, row)) >= MOST_TYPES:
            raise BadRequest(f"Qos specs {row.id} has {MOST_TYPES} types already.")
        tx.update(kind, qos_id=row.id, updated_at=tx.now)

    def dissociate(self, tx: Tx, row: QosRow, kinds: Sequence[TypeRow]) -> None:
        for kind in kinds:
            if kind.qos_id == row.id:
                tx.update(kind, qos_id=None, updated_at=tx.now)

    def throttle_of(self, tx: Tx, volume: VolumeRow) -> dict[str, int]:
        """What a guest may do with a volume in a second, as QEMU is told."""
        kind = tx.get(TypeRow, volume.type_id)
        row = None if kind is None or kind.qos_id is None else tx.get(QosRow, kind.qos_id)
        return {} if row is None else throttle_of(row.consumer, row.specs, volume.size)

    def _write(
        self, tx: Tx, row: QosRow, consumer: str, specs: dict[str, str], who: Principal
    ) -> QosRow:
        changes: dict[str, Any] = {"consumer": self._checked(consumer, specs), "specs": specs}
        row = tx.update(row, **changes, updated_at=tx.now)
        emit(tx, "volume.qos.update", row.id, principal=who)
        return row

    def _checked(self, consumer: str, specs: dict[str, str]) -> Consumer:
        """Raises BadRequest."""
        if len(specs) > MOST_SPECS:
            raise BadRequest(f"Invalid qos specs: more than {MOST_SPECS} keys.")
        for one in CONSUMERS:
            if one == consumer:
                mistake = mistake_in(consumer, specs)
                if mistake is not None:
                    raise BadRequest(f"Invalid qos specs: {mistake}.")
                return one
        raise BadRequest(f"Invalid qos specs: Valid consumer of QoS specs are: {list(CONSUMERS)}")
