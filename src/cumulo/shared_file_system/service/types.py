"""Share types: one default from the start, others for administrators to make."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import child_id, new_id
from cumulo.shared_file_system.model.type import (
    DEFAULT_SPECS,
    DEFAULT_TYPE,
    TENANTS_SEE,
    ZONES,
    TypeProjectRow,
    TypeRow,
)
from cumulo.shared_file_system.queries import type as queries

MOST_TYPES = 1000
"""That a list is filtered by"""
DEFAULT_ID = child_id("cumulo", "share_type", DEFAULT_TYPE)


class Types:
    listing = queries.TYPES

    def __init__(self, default: str) -> None:
        """`default`: the name of the type when nobody asks for one."""
        self._default = default

    def default(self, tx: Tx) -> TypeRow:
        """The type of who asks for none. Raises NotFound."""
        row = self.usual(tx)
        if row is None:
            raise NotFound(f"Share type with name {self._default} could not be found.")
        return row

    def usual(self, tx: Tx) -> TypeRow | None:
        """The default type, if the one that the settings name has been made."""
        if self._default == DEFAULT_TYPE:
            return self.ensure_default(tx)
        return tx.one(queries.BY_NAME, name=self._default)

    def ensure_default(self, tx: Tx) -> TypeRow:
        """The one from the start, whatever it is called by now."""
        row = tx.get(TypeRow, DEFAULT_ID)
        if row is None:
            row = TypeRow(DEFAULT_ID, DEFAULT_TYPE, None, True, DEFAULT_SPECS, tx.now, None)
            tx.insert(row)
        return row

    def _may(self, tx: Tx, row: TypeRow | None, who: Principal) -> bool:
        if row is None:
            return False
        if row.is_public or who.is_admin:
            return True
        project = who.project_id or ""
        return int(tx.value(queries.MAY_USE, type_id=row.id, project_id=project)) > 0

    def get(self, tx: Tx, type_id: str, who: Principal) -> TypeRow:
        row = tx.get(TypeRow, type_id)
        if row is None or not self._may(tx, row, who):
            raise NotFound(f"Share type {type_id} could not be found.")
        return row

    def chosen(self, tx: Tx, wish: str | None, who: Principal) -> TypeRow:
        """A type by its id or name; the default one when nobody asks."""
        if not wish:
            return self.default(tx)
        row = tx.get(TypeRow, wish) or tx.one(queries.BY_NAME, name=wish)
        if row is None or not self._may(tx, row, who):
            raise NotFound(f"Share type with name {wish} could not be found.")
        return row

    def with_specs(self, tx: Tx, specs: Mapping[str, str], who: Principal) -> list[str]:
        """The ids of types that have these extra specs; of MOST_TYPES at most."""
        rows = self.listing.page(tx, where={}, limit=MOST_TYPES)
        return [row.id for row in rows if has_specs(row, specs, who)] or [""]

    def names(self, tx: Tx, ids: set[str]) -> dict[str, TypeRow]:
        return {row.id: row for row in tx.all(queries.BY_IDS, ids=sorted(ids))} if ids else {}

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
        emit(tx, "share.type.create", row.id, principal=who, name=name)
        return row

    def update(self, tx: Tx, row: TypeRow, who: Principal, **changes: Any) -> TypeRow:
        if changes.get("name", row.name) != row.name:
            self._refuse_duplicate(tx, changes["name"])
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "share.type.update", row.id, principal=who)
        return row

    def delete(self, tx: Tx, row: TypeRow, who: Principal) -> None:
        usual = self.usual(tx)
        if row.id == DEFAULT_ID or (usual is not None and row.id == usual.id):
            raise BadRequest("The default share type cannot be deleted.")
        if int(tx.value(queries.IN_USE, type_id=row.id)):
            raise BadRequest(f"Share Type {row.id} deletion is not allowed with shares present.")
        tx.delete(row)
        emit(tx, "share.type.delete", row.id, principal=who, name=row.name)

    def projects(self, tx: Tx, row: TypeRow) -> Sequence[TypeProjectRow]:
        return tx.all(queries.PROJECTS, type_id=row.id)

    def admit(self, tx: Tx, row: TypeRow, project_id: str, wanted: bool) -> None:
        """A project may use a private type, or not any more."""
        if row.is_public:
            raise Conflict("Type access modification is not applicable to public share type.")
        found = tx.get(TypeProjectRow, row.id, project_id)
        if wanted and found is not None:
            raise Conflict(f"Share type access for {row.id} / {project_id} combination exists.")
        if wanted:
            tx.insert(TypeProjectRow(row.id, project_id))
        elif found is None:
            raise NotFound(f"Share type access not found for {row.id} / {project_id} combination.")
        else:
            tx.delete(found)

    def _refuse_duplicate(self, tx: Tx, name: str) -> None:
        if tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"Share Type {name} already exists.")


def has_specs(row: TypeRow, specs: Mapping[str, str], who: Principal) -> bool:
    """2.43: whatever the letters' case. A type that names no zones is for all of them; what tenants
    are not shown of a type they do not find it by."""
    if not who.is_admin and not set(specs) <= set(TENANTS_SEE):
        return False
    has = row.extra_specs
    wanted = {name: text for name, text in specs.items() if name != ZONES}
    if ZONES in specs and ZONES in has:
        zones = {each.strip() for each in specs[ZONES].split(",")}
        if not zones <= set(has[ZONES].split(",")):
            return False
    return all(has.get(name, "").lower() == text.lower() for name, text in wanted.items())
