"""Projects: create, update, delete, and the cascade of being disabled."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.extras import given, split
from cumulo.identity.store import project as store
from cumulo.identity.store import role as roles

MAX_DEPTH = 5

ProjectName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[^,/]*$")]


class ProjectWishes(msgspec.Struct):
    name: ProjectName | Unset = UNSET
    description: str | Unset | None = UNSET
    domain_id: str | Unset | None = UNSET
    parent_id: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET
    is_domain: bool | Unset = UNSET
    tags: list[Tag] | Unset = UNSET
    options: dict[str, Any] | Unset = UNSET


class Projects:
    listing = store.PROJECTS

    def __init__(self, forget_tokens: Callable[[], None]) -> None:
        self._forget_tokens = forget_tokens

    def get(self, tx: Tx, project_id: str) -> ProjectRow:
        found = tx.get(ProjectRow, project_id)
        if found is None:
            raise NotFound(f"Could not find project: {project_id}.")
        return found

    def find(self, tx: Tx, name: str, domain_id: str) -> ProjectRow | None:
        return tx.one(store.BY_NAME, domain_id=domain_id, name=name)

    def create(
        self,
        tx: Tx,
        wishes: Mapping[str, Any],
        who: Principal | None,
        default_domain: str = DEFAULT_DOMAIN_ID,
    ) -> ProjectRow:
        wanted, extra = split(wishes, ProjectWishes, "project")
        if wanted.name is UNSET:
            raise BadRequest("Invalid input for project: 'name' is a required property")
        if wanted.is_domain is True:
            raise BadRequest("A project that acts as a domain is made by the domains API.")
        domain_id, parent_id = self._place(tx, wanted, default_domain)
        self._refuse_duplicate(tx, domain_id, wanted.name)
        row = ProjectRow(
            id=new_hex(),
            name=wanted.name,
            domain_id=domain_id,
            parent_id=parent_id,
            description=wanted.description or "",
            enabled=wanted.enabled is not False,
            tags=[] if wanted.tags is UNSET else wanted.tags,
            options={} if wanted.options is UNSET else wanted.options,
            extra=extra,
        )
        tx.insert(row)
        emit(tx, "identity.project.create", row.id, principal=who, name=row.name)
        return row

    def _place(self, tx: Tx, wanted: ProjectWishes, default_domain: str) -> tuple[str, str | None]:
        """(domain id, parent project id or None) of a new project."""
        asked = wanted.domain_id or None
        parent = tx.get(ProjectRow, wanted.parent_id) if wanted.parent_id else None
        if parent is not None:
            if asked not in (None, parent.domain_id):
                raise BadRequest("The parent project is in another domain.")
            self._refuse_depth(tx, parent)
            return parent.domain_id, parent.id
        domain_id = wanted.parent_id or asked or default_domain
        if tx.get(DomainRow, domain_id) is None:
            noun = "project" if wanted.parent_id else "domain"
            raise NotFound(f"Could not find {noun}: {domain_id}.")
        return domain_id, None

    def _refuse_depth(self, tx: Tx, parent: ProjectRow) -> None:
        depth, above = 1, parent
        while above.parent_id is not None:
            found = tx.get(ProjectRow, above.parent_id)
            assert found is not None, above.parent_id
            above, depth = found, depth + 1
        if depth >= MAX_DEPTH:
            raise Forbidden(f"Max hierarchy depth reached for {parent.id} branch.")

    def _refuse_duplicate(self, tx: Tx, domain_id: str, name: str) -> None:
        if self.find(tx, name, domain_id) is not None:
            raise Conflict(
                "Conflict occurred attempting to store project - it is not permitted to have two "
                f"projects with the same name in the same domain : {name}."
            )

    def update(
        self, tx: Tx, project_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> ProjectRow:
        row = self.get(tx, project_id)
        wanted, extra = split(wishes, ProjectWishes, "project")
        if wanted.domain_id is not UNSET and wanted.domain_id != row.domain_id:
            raise BadRequest("Cannot change Domain ID.")
        if wanted.parent_id is not UNSET and wanted.parent_id not in (
            row.parent_id,
            row.domain_id,
        ):
            raise Forbidden("Update of `parent_id` is not allowed.")
        if wanted.name is not UNSET and wanted.name != row.name:
            self._refuse_duplicate(tx, row.domain_id, wanted.name)
        changes = given(wanted, "name", "enabled", "tags", "options")
        if wanted.description is not UNSET:
            changes["description"] = wanted.description or ""
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.project.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def delete(self, tx: Tx, project_id: str, who: Principal) -> None:
        row = self.get(tx, project_id)
        if tx.value(store.CHILDREN, parent_id=row.id):
            raise Forbidden(
                f"Cannot delete project {row.id} since it is not a leaf in the hierarchy."
            )
        tx.run(roles.DROP_TARGET, target_type_="project", target_id_=row.id)
        tx.delete(row)
        emit(tx, "identity.project.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
