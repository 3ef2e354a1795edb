"""Types of share groups: kept and shown. No pool here holds groups, so none is made."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.model.group import GroupTypeProjectRow, GroupTypeRow
from cumulo.shared_file_system.queries import group as queries
from cumulo.shared_file_system.service.types import Types

MOST_SPECS = 128


class GroupTypes:
    listing = queries.GROUP_TYPES

    def __init__(self, types: Types) -> None:
        self._types = types

    def get(self, tx: Tx, id: str, who: Principal) -> GroupTypeRow:
        row = tx.get(GroupTypeRow, id)
        project = who.project_id or ""
        seen = row is not None and (
            row.is_public or who.is_admin or tx.get(GroupTypeProjectRow, row.id, project)
        )
        if row is None or not seen:
            raise NotFound(f"Share group type {id} could not be found.")
        return row

    def create(
        self,
        tx: Tx,
        who: Principal,
        *,
        name: str,
        is_public: bool,
        group_specs: dict[str, str],
        share_types: Sequence[str],
    ) -> GroupTypeRow:
        """`share_types`: ids or names. Raises NotFound, Conflict."""
        if tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"Share group type {name} already exists.")
        ids = list(dict.fromkeys(self._types.chosen(tx, each, who).id for each in share_types))
        row = GroupTypeRow(new_id(), name, is_public, group_specs, ids, tx.now, None)
        tx.insert(row)
        emit(tx, "share.group_type.create", row.id, principal=who, name=name)
        return row

    def update(self, tx: Tx, row: GroupTypeRow, who: Principal, **changes: Any) -> GroupTypeRow:
        if len(changes.get("group_specs", ())) > MOST_SPECS:
            raise BadRequest(f"A share group type has {MOST_SPECS} specs at most.")
        emit(tx, "share.group_type.update", row.id, principal=who)
        return tx.update(row, updated_at=tx.now, **changes)

    def delete(self, tx: Tx, row: GroupTypeRow, who: Principal) -> None:
        tx.delete(row)
        emit(tx, "share.group_type.delete", row.id, principal=who, name=row.name)

    def projects(self, tx: Tx, row: GroupTypeRow) -> Sequence[GroupTypeProjectRow]:
        if row.is_public:
            raise NotFound("Access list not available for public share group types.")
        return tx.all(queries.PROJECTS, type_id=row.id)

    def admit(self, tx: Tx, row: GroupTypeRow, project_id: str, wanted: bool) -> None:
        """A project may see a private one, or not any more."""
        if row.is_public:
            raise Conflict("Type access modification is not applicable to public share group type.")
        found = tx.get(GroupTypeProjectRow, row.id, project_id)
        which = f"{row.id} / {project_id}"
        if wanted and found is not None:
            raise Conflict(f"Share group type access for {which} combination already exists.")
        if wanted:
            tx.insert(GroupTypeProjectRow(row.id, project_id))
        elif found is None:
            raise NotFound(f"Share group type access not found for {which} combination.")
        else:
            tx.delete(found)
