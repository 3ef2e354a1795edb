"""Group types: the verbs. One is always there, of which the older API's consistency groups are."""

from typing import Any

from cumulo.block_storage.model.group_type import CONSISTENT, CONSISTENT_TYPE, GroupTypeRow
from cumulo.block_storage.queries import group as groups
from cumulo.block_storage.queries import group_type as queries
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import child_id, new_id


def consistent_type_id() -> str:
    return child_id("cumulo", "group_type", CONSISTENT_TYPE)


class GroupTypes:
    listing = queries.GROUP_TYPES

    def ensure_consistent(self, tx: Tx) -> GroupTypeRow:
        id = consistent_type_id()
        row = tx.get(GroupTypeRow, id)
        if row is None:
            about = "Default group type for migrating cgsnapshot"
            specs = {CONSISTENT: "<is> True"}
            row = GroupTypeRow(id, CONSISTENT_TYPE, about, True, specs, tx.now, None)
            tx.insert(row)
        return row

    def get(self, tx: Tx, wish: str, who: Principal) -> GroupTypeRow:
        """By its id or its name; one that is not public is for administrators."""
        row = tx.get(GroupTypeRow, wish) or tx.one(queries.BY_NAME, name=wish)
        if row is None and wish == CONSISTENT_TYPE:
            row = self.ensure_consistent(tx)
        if row is None or not (row.is_public or who.is_admin):
            raise NotFound(f"Group type with name {wish} could not be found.")
        return row

    def create(
        self,
        tx: Tx,
        name: str,
        description: str | None,
        is_public: bool,
        specs: dict[str, str],
        who: Principal,
    ) -> GroupTypeRow:
        self._refuse_duplicate(tx, name)
        row = GroupTypeRow(new_id(), name, description, is_public, specs, tx.now, None)
        tx.insert(row)
        emit(tx, "group_type.create", row.id, principal=who, name=name)
        return row

    def update(self, tx: Tx, row: GroupTypeRow, who: Principal, **changes: Any) -> GroupTypeRow:
        name = changes.get("name", row.name)
        if name != row.name:
            if row.name == CONSISTENT_TYPE:
                raise BadRequest(f"The group type {CONSISTENT_TYPE} keeps its name.")
            self._refuse_duplicate(tx, name)
        if changes.get("group_specs", row.group_specs) != row.group_specs:
            self._refuse_used(tx, row)
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "group_type.update", row.id, principal=who)
        return row

    def delete(self, tx: Tx, row: GroupTypeRow, who: Principal) -> None:
        if row.name == CONSISTENT_TYPE:
            raise BadRequest("Invalid group type: the default one can not be deleted.")
        self._refuse_used(tx, row)
        tx.delete(row)
        emit(tx, "group_type.delete", row.id, principal=who, name=row.name)

    def _refuse_used(self, tx: Tx, row: GroupTypeRow) -> None:
        if int(tx.value(groups.OF_TYPE, type_id=row.id)):
            raise BadRequest(f"Target group type {row.id} is still in use.")

    def _refuse_duplicate(self, tx: Tx, name: str) -> None:
        if name == CONSISTENT_TYPE or tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"Group Type {name} already exists.")
