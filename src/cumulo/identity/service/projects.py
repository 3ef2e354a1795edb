"""Projects: create, update, delete, and their tree."""

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
from cumulo.identity.queries import project as queries
from cumulo.identity.queries import role as roles
from cumulo.identity.service.extras import given, split
from cumulo.identity.service.options import Options, changed, refuse_immutable
from cumulo.identity.service.tags import Tags, unique_tags
from cumulo.identity.service.tree import ancestors, subtree

MAX_DEPTH = 5
"""Levels of projects below a domain."""

ProjectName = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\S")]


class ProjectWishes(msgspec.Struct):
    name: ProjectName | Unset = UNSET
    description: str | Unset | None = UNSET
    domain_id: str | Unset | None = UNSET
    parent_id: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET
    is_domain: bool | Unset = UNSET
    tags: Tags | Unset = UNSET
    options: Options | Unset = UNSET


class Projects:
    listing = queries.PROJECTS

    def __init__(self, forget_tokens: Callable[[], None], max_depth: int = MAX_DEPTH) -> None:
        self._forget_tokens = forget_tokens
        self._max_depth = max_depth

    def get(self, tx: Tx, project_id: str) -> ProjectRow:
        found = tx.get(ProjectRow, project_id)
        if found is None:
            raise NotFound(f"Could not find project: {project_id}.")
        return found

    def get_any(self, tx: Tx, project_id: str) -> ProjectRow | DomainRow:
        """A project, or a domain: that is a project too, which acts as one."""
        return tx.get(DomainRow, project_id) or self.get(tx, project_id)

    def find(self, tx: Tx, name: str, domain_id: str) -> ProjectRow | None:
        return tx.one(queries.BY_NAME, domain_id=domain_id, name=name)

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
            raise BadRequest("only root projects are allowed to act as domains.")
        domain_id, parent = self._place(tx, wanted, default_domain)
        name = wanted.name.strip()
        self._refuse_duplicate(tx, domain_id, name)
        row = ProjectRow(
            id=new_hex(),
            name=name,
            domain_id=domain_id,
            parent_id=parent.id if parent is not None else None,
            description=wanted.description or "",
            enabled=wanted.enabled is not False,
            tags=[] if wanted.tags is UNSET else unique_tags(wanted.tags),
            options=changed({}, wanted.options),
            extra=extra,
        )
        tx.insert(row)
        emit(tx, "identity.project.create", row.id, principal=who, name=row.name)
        return row

    def domain_for(self, tx: Tx, wishes: Mapping[str, Any], default_domain: str) -> Any:
        """In which domain a project with these wishes would be; nothing of them is checked."""
        parent_id = wishes.get("parent_id")
        parent = tx.get(ProjectRow, parent_id) if isinstance(parent_id, str) else None
        if parent is not None:
            return parent.domain_id
        return parent_id or wishes.get("domain_id") or default_domain

    def _place(
        self, tx: Tx, wanted: ProjectWishes, default_domain: str
    ) -> tuple[str, ProjectRow | None]:
        """(domain id, parent project or None) of a new project. All above it must be enabled."""
        asked = wanted.domain_id or None
        parent = tx.get(ProjectRow, wanted.parent_id) if wanted.parent_id else None
        domain_id = parent.domain_id if parent is not None else wanted.parent_id or asked
        domain_id = domain_id or default_domain
        domain = tx.get(DomainRow, domain_id)
        if domain is None:
            noun = "project" if wanted.parent_id else "domain"
            raise BadRequest(f"Could not find {noun}: {domain_id}.")
        if asked not in (None, domain_id):
            raise BadRequest(
                f"Cannot create project, since it specifies its domain_id {asked}, but specifies "
                f"a parent in a different domain ({domain_id})."
            )
        above = [parent, *ancestors(tx, parent)] if parent is not None else []
        states = {domain.id: domain.enabled} | {row.id: row.enabled for row in above}
        for id, enabled in states.items():
            if not enabled:
                raise BadRequest(
                    f"cannot create a project in a branch containing a disabled project: {id}"
                )
        if len(above) >= self._max_depth:
            raise Forbidden(f"Max hierarchy depth reached for {above[0].id} branch.")
        return domain_id, parent

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
        refuse_immutable(row.options, "update", "project", row.id, wishes)
        self._refuse_move(row, wanted)
        changes = given(wanted, "enabled", "tags")
        if wanted.name is not UNSET and wanted.name.strip() != row.name:
            changes["name"] = wanted.name.strip()
            self._refuse_duplicate(tx, row.domain_id, changes["name"])
        if wanted.enabled is not UNSET and wanted.enabled != row.enabled:
            _refuse_switch(tx, row, wanted.enabled)
        if wanted.tags is not UNSET:
            unique_tags(wanted.tags)
        if wanted.options is not UNSET:
            changes["options"] = changed(row.options, wanted.options)
        if wanted.description is not UNSET:
            changes["description"] = wanted.description or ""
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.project.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def _refuse_move(self, row: ProjectRow, wanted: ProjectWishes) -> None:
        if wanted.domain_id is not UNSET and wanted.domain_id != row.domain_id:
            raise BadRequest("Cannot change Domain ID.")
        parent = row.parent_id or row.domain_id
        if wanted.parent_id is not UNSET and wanted.parent_id != parent:
            raise Forbidden("Update of `parent_id` is not allowed.")
        if wanted.is_domain is True:
            raise BadRequest("Update of `is_domain` is not allowed.")

    def delete(self, tx: Tx, project_id: str, who: Principal) -> None:
        """A leaf of the tree, with what was given on it and what was kept for it."""
        row = self.get(tx, project_id)
        refuse_immutable(row.options, "delete", "project", row.id)
        if tx.value(queries.CHILDREN, parent_id=row.id):
            raise Forbidden(
                f"Cannot delete the project {row.id} since it is not a leaf in the hierarchy. Use "
                "the cascade option if you want to delete a whole subtree."
            )
        remove_project(tx, row)
        emit(tx, "identity.project.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)

    # The tree

    def parents(self, tx: Tx, row: ProjectRow) -> list[ProjectRow]:
        """The nearest first."""
        return ancestors(tx, row)

    def parent_ids(self, tx: Tx, row: ProjectRow) -> dict[str, Any]:
        """`{parent: {grandparent: {domain: None}}}`"""
        nested: dict[str, Any] = {row.domain_id: None}
        for above in reversed(ancestors(tx, row)):
            nested = {above.id: nested}
        return nested

    def below(self, tx: Tx, project_id: str) -> list[ProjectRow]:
        """All projects of a subtree, or of a domain."""
        if tx.get(DomainRow, project_id) is not None:
            return queries.PROJECTS.page(tx, where={"domain_id": project_id})
        return subtree(tx, project_id)

    def ids_below(self, tx: Tx, project_id: str) -> dict[str, Any] | None:
        """`{child: {grandchild: None}}`; None for a leaf."""
        children: dict[str, list[str]] = {}
        for row in self.below(tx, project_id):
            children.setdefault(row.parent_id or row.domain_id, []).append(row.id)

        def nested(id: str) -> dict[str, Any] | None:
            return {child: nested(child) for child in children.get(id, ())} or None

        return nested(project_id)


def remove_project(tx: Tx, row: ProjectRow) -> None:
    """The row, and the rows that no foreign key takes along."""
    tx.run(roles.DROP_TARGET, target_type_="project", target_id_=row.id)
    tx.run(queries.DROP_CREDENTIALS, project=row.id)
    tx.run(queries.FORGET_DEFAULT, project=row.id)
    tx.delete(row)


def _refuse_switch(tx: Tx, row: ProjectRow, enabled: bool) -> None:
    """Below what is disabled nothing is enabled."""
    if enabled and not all(above.enabled for above in ancestors(tx, row)):
        raise Forbidden(f"Cannot enable project {row.id} since it has disabled parents")
    if not enabled and any(below.enabled for below in subtree(tx, row.id)):
        raise Forbidden(
            f"Cannot disable project {row.id} since its subtree contains enabled projects."
        )
