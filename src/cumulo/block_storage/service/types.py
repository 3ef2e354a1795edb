"""Volume types: one default, others for administrators to make."""

from typing import Any

from cumulo.block_storage.model.type import (
    DEFAULT_TYPE,
    DefaultTypeRow,
    TypeAccessRow,
    TypeRow,
)
from cumulo.block_storage.queries import type as queries
from cumulo.block_storage.queries import volume as volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import child_id, new_id
from cumulo.identity.interface import Identity

MOST_PROJECTS = 1000
"""That a private type is for."""


class Types:
    listing = queries.TYPES
    defaults = queries.DEFAULTS

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def ensure_default(self, tx: Tx) -> TypeRow:
        type_id = child_id("cumulo", "volume_type", DEFAULT_TYPE)
        row = tx.get(TypeRow, type_id)
        if row is None:
            row = TypeRow(type_id, DEFAULT_TYPE, "Default Volume Type", True, {}, tx.now, None)
            tx.insert(row)
        return row

    def get(self, tx: Tx, type_id: str, who: Principal) -> TypeRow:
        row = tx.get(TypeRow, type_id)
        if row is None or not self.may_use(tx, row, who):
            raise NotFound(f"Volume type {type_id} could not be found.")
        return row

    def of(self, tx: Tx, type_id: str) -> TypeRow:
        """The type of a volume that the caller may see."""
        row = tx.get(TypeRow, type_id)
        assert row is not None
        return row

    def may_use(self, tx: Tx, row: TypeRow, who: Principal) -> bool:
        """It is public, or the caller's project was let in."""
        if row.is_public or who.is_admin:
            return True
        return who.project_id is not None and bool(tx.get(TypeAccessRow, row.id, who.project_id))

    def chosen(self, tx: Tx, wish: str | None, who: Principal) -> TypeRow:
        """A type by its id or name; when nobody asks, the project's default one, or the cloud's."""
        if not wish:
            known = None if who.project_id is None else tx.get(DefaultTypeRow, who.project_id)
            if known is None:
                return self.ensure_default(tx)
            wish = known.type_id  # which may not be the project's any more
        row = tx.get(TypeRow, wish) or tx.one(queries.BY_NAME, name=wish)
        if row is None or not self.may_use(tx, row, who):
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
        if self.defaults.page(tx, where={"type_id": row.id}, limit=1):
            raise BadRequest(
                f"The volume type {row.id} is a project's default one: it can not be deleted."
            )
        tx.delete(row)
        emit(tx, "volume.type.delete", row.id, principal=who, name=row.name)

    # --- what projects have by default ----------------------------------------------------------

    def default_of(self, tx: Tx, project_id: str) -> DefaultTypeRow:
        row = tx.get(DefaultTypeRow, project_id)
        if row is None:
            raise NotFound(f"Default type for project {project_id} not found.")
        return row

    def set_default(self, tx: Tx, project_id: str, wish: str, who: Principal) -> DefaultTypeRow:
        if not self._identity.project_exists(tx, project_id):
            raise NotFound(f"Project: {project_id} doesn't exist.")
        kind = self.chosen(tx, wish, who)
        row = tx.get(DefaultTypeRow, project_id)
        if row is None:
            row = DefaultTypeRow(project_id, kind.id, tx.now)
            tx.insert(row)
        else:
            row = tx.update(row, type_id=kind.id)
        emit(tx, "volume.type.default", kind.id, principal=who, project=project_id)
        return row

    def unset_default(self, tx: Tx, project_id: str) -> None:
        tx.delete(self.default_of(tx, project_id))

    # --- who may use a private one --------------------------------------------------------------

    def access(self, tx: Tx, row: TypeRow) -> list[TypeAccessRow]:
        """Raises NotFound for a public type, which has no list."""
        if row.is_public:
            raise NotFound("Access list not available for public volume types.")
        return tx.all(queries.ACCESS, type=row.id)

    def let_in(self, tx: Tx, row: TypeRow, project_id: str, who: Principal) -> None:
        self._refuse_public(row)
        if len(self.access(tx, row)) >= MOST_PROJECTS:
            raise BadRequest(f"Volume type {row.id} has {MOST_PROJECTS} projects already.")
        if not tx.insert(TypeAccessRow(row.id, project_id), ignore_duplicate=True):
            raise Conflict(
                f"Volume type access for {row.id} / {project_id} combination already exists."
            )
        emit(tx, "volume.type.access.add", row.id, principal=who, project=project_id)

    def shut_out(self, tx: Tx, row: TypeRow, project_id: str, who: Principal) -> None:
        self._refuse_public(row)
        access = tx.get(TypeAccessRow, row.id, project_id)
        if access is None:
            raise NotFound(f"Volume type access not found for {row.id} / {project_id} combination.")
        tx.delete(access)
        emit(tx, "volume.type.access.remove", row.id, principal=who, project=project_id)

    def _refuse_public(self, row: TypeRow) -> None:
        if row.is_public:
            raise BadRequest(
                "Invalid volume type: Type access modification is not applicable to public "
                "volume type."
            )

    def _refuse_duplicate(self, tx: Tx, name: str) -> None:
        if tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"Volume Type {name} already exists.")
