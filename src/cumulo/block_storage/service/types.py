"""Volume types: one default, others for administrators to make."""

from typing import Any

from cumulo.block_storage.model.type import DEFAULT_TYPE, TypeRow
from cumulo.block_storage.queries import type as queries
from cumulo.block_storage.queries import volume as volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import child_id, new_id


class Types:
    listing = queries.TYPES

    def ensure_default(self, tx: Tx) -> TypeRow:
        type_id = child_id("cumulo", "volume_type", DEFAULT_TYPE)
        row = tx.get(TypeRow, type_id)
        if row is None:
            row = TypeRow(type_id, DEFAULT_TYPE, "Default Volume Type", True, {}, tx.now, None)
            tx.insert(row)
        return row

    def get(self, tx: Tx, type_id: str, who: Principal) -> TypeRow:
        row = tx.get(TypeRow, type_id)
        if row is None or not (row.is_public or who.is_admin):
            raise NotFound(f"Volume type {type_id} could not be found.")
        return row

    def chosen(self, tx: Tx, wish: str | None, who: Principal) -> TypeRow:
        """A type by its id or name; the default one when nobody asks."""
        if not wish:
            return self.ensure_default(tx)
        row = tx.get(TypeRow, wish) or tx.one(queries.BY_NAME, name=wish)
        if row is None or not (row.is_public or who.is_admin):
            raise NotFound(f"Volume type with name {wish} could not be found.")
        return row

    def names(self, tx: Tx, ids: set[str]) -> dict[str, str]:
        return {row.id: row.name for row in tx.all(queries.BY_IDS, ids=sorted(ids))}

    def create(
        self,
        tx: Tx,
        name: str,
        description: str | None,
        is_public: bool,
        extra_specs: dict[str, str],
        who: Principal,
    ) -> TypeRow:
        self._refuse_duplicate(tx, name)
        row = TypeRow(new_id(), name, description, is_public, extra_specs, tx.now, None)
        tx.insert(row)
        emit(tx, "volume.type.create", row.id, principal=who, name=name)
        return row

    def update(self, tx: Tx, row: TypeRow, who: Principal, **changes: Any) -> TypeRow:
        name = changes.get("name", row.name)
        if name != row.name:
            self._refuse_duplicate(tx, name)
            if int(tx.value(volumes.OF_TYPE, type_id=row.id)):
                raise BadRequest(f"Volume type {row.id} is in use: its quotas are by its name.")
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "volume.type.update", row.id, principal=who)
        return row

    def delete(self, tx: Tx, row: TypeRow, who: Principal) -> None:
        if row.name == DEFAULT_TYPE:
            raise BadRequest("The default volume type can not be deleted.")
        if int(tx.value(volumes.OF_TYPE, type_id=row.id)):
            raise BadRequest("Target volume type is still in use.")
        tx.delete(row)
        emit(tx, "volume.type.delete", row.id, principal=who, name=row.name)

    def _refuse_duplicate(self, tx: Tx, name: str) -> None:
        if tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"Volume Type {name} already exists.")
