"""Projects on the wire: identity API v3, `projects`. A domain is seen here too, as a project that
acts as one (`is_domain`)."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import (
    Wrapped,
    filters,
    flag,
    home_domain,
    listed,
    matching,
    page,
    self_link,
    unwrapped,
)
from cumulo.identity.api.limits import limits_of
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.tags import matches_tags


def project_body(call: Call, row: ProjectRow | DomainRow) -> dict[str, Any]:
    domain_id = row.domain_id if isinstance(row, ProjectRow) else None
    parent_id = row.parent_id if isinstance(row, ProjectRow) else None
    return {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "domain_id": domain_id,
        "parent_id": parent_id or domain_id,
        "description": row.description,
        "enabled": row.enabled,
        "is_domain": isinstance(row, DomainRow),
        "tags": row.tags,
        "options": row.options,
        "links": self_link(call, "projects", row.id),
    }


def project_target(row: ProjectRow | DomainRow) -> dict[str, Any]:
    """What acts as a domain is in none: the domain's own people have no say."""
    target: dict[str, Any] = {"target.project.id": row.id, "project_id": row.id}
    if isinstance(row, ProjectRow):
        target["target.project.domain_id"] = row.domain_id
    return target


def allowed_project(call: Call, tx: Tx, identity: IdentityService) -> ProjectRow | DomainRow:
    """The project of the path. Who may not look is not told whether it is there."""
    id = call.path["project_id"]
    found = tx.get(ProjectRow, id) or tx.get(DomainRow, id)
    call.allow(project_target(found) if found is not None else {})
    return identity.projects.get_any(tx, id)


class ProjectsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity
        self._projects = identity.projects
        self._domains = identity.domains

    def operations(self) -> list[Operation]:
        many, one = "/v3/projects", "/v3/projects/{project_id}"

        def of(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"identity:{rule}", early=False, **more)

        return [
            of("GET", many, self.index, "list_projects"),
            of("POST", many, self.create, "create_project", body=Wrapped, status=201),
            of("GET", one, self.show, "get_project"),
            of("PATCH", one, self.update, "update_project", body=Wrapped),
            of("DELETE", one, self.delete, "delete_project", status=204),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        call.allow({"target.domain_id": call.principal.domain_id})
        names = ("tags", "tags-any", "not-tags", "not-tags-any")
        where = self._where(call, tx)
        if flag(call, "is_domain"):
            rows: Sequence[ProjectRow | DomainRow] = self._found_domains(call, tx)
        elif where is None:
            rows = []
        elif not call.query.names() & set(names):
            listing = self._projects.listing
            return page(call, tx, "projects", listing, where, lambda row: project_body(call, row))
        else:
            rows = self._projects.listing.page(tx, where=where)
        wanted = [_tags(call, name) for name in names]
        items = [project_body(call, row) for row in rows if matches_tags(row.tags, *wanted)]
        return listed(call, "projects", matching(call, items))

    def _where(self, call: Call, tx: Tx) -> dict[str, Any] | None:
        """The filters, None if nothing can meet them."""
        where = filters(call, "name", "domain_id", "enabled", "parent_id")
        parent = where.get("parent_id")
        if parent is not None and tx.get(DomainRow, parent) is not None:
            del where["parent_id"]
            if where.setdefault("domain_id", parent) != parent:
                return None
            where["top"] = True
        mine = call.principal.domain_id
        if mine is not None and where.setdefault("domain_id", mine) != mine:
            return None
        return where

    def _found_domains(self, call: Call, tx: Tx) -> list[DomainRow]:
        """Domains, for whoever may see more than one."""
        if call.principal.domain_id is not None or {"domain_id", "parent_id"} & call.query.names():
            return []
        return self._domains.listing.page(tx, where=filters(call, "name", "enabled"))

    def create(self, call: Call, tx: Tx) -> Any:
        wishes, home = unwrapped(call, "project"), home_domain(call)
        if wishes.get("is_domain") is True:
            return self._create_domain(call, tx, wishes)
        place = self._projects.domain_for(tx, wishes, home)
        call.allow({"target.project.domain_id": place})
        row = self._projects.create(tx, wishes, call.principal, home)
        return {"project": project_body(call, row)}

    def _create_domain(self, call: Call, tx: Tx, wishes: dict[str, Any]) -> Any:
        call.allow({})
        if wishes.get("parent_id") or wishes.get("domain_id"):
            raise BadRequest("only root projects are allowed to act as domains.")
        row = self._domains.create(tx, _as_domain(wishes), call.principal)
        return {"project": project_body(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        row = allowed_project(call, tx, self._identity)
        body = project_body(call, row)
        for name in ("parents", "subtree"):
            if flag(call, f"{name}_as_list") and flag(call, f"{name}_as_ids"):
                raise BadRequest(
                    f"Cannot use {name}_as_list and {name}_as_ids query params at the same time."
                )
        if flag(call, "parents_as_ids"):
            nested = None if isinstance(row, DomainRow) else self._projects.parent_ids(tx, row)
            body["parents"] = nested
        elif flag(call, "parents_as_list"):
            above = [] if isinstance(row, DomainRow) else self._projects.parents(tx, row)
            body["parents"] = self._seen(call, tx, above)
        if flag(call, "subtree_as_ids"):
            body["subtree"] = self._projects.ids_below(tx, row.id)
        elif flag(call, "subtree_as_list"):
            body["subtree"] = self._seen(call, tx, self._projects.below(tx, row.id))
        return {"project": body}

    def _seen(self, call: Call, tx: Tx, rows: list[ProjectRow]) -> list[Any]:
        """Those on which the caller has a role, each wrapped as if it were asked for alone."""
        who = call.principal
        mine = self._identity.roles.targets(tx, who.user_id, "project", who.group_ids)
        seen = [project_body(call, row) for row in rows if row.id in mine]
        if flag(call, "include_limits"):
            for body in seen:
                body["limits"] = limits_of(call, tx, self._identity, body["id"])
        return [{"project": body} for body in seen]

    def update(self, call: Call, tx: Tx) -> Any:
        row = allowed_project(call, tx, self._identity)
        wishes = unwrapped(call, "project")
        changed: ProjectRow | DomainRow
        if isinstance(row, DomainRow):
            if wishes.get("is_domain") is False:
                raise BadRequest("Update of `is_domain` is not allowed.")
            changed = self._domains.update(tx, row.id, _as_domain(wishes), call.principal)
        else:
            changed = self._projects.update(tx, row.id, wishes, call.principal)
        return {"project": project_body(call, changed)}

    def delete(self, call: Call, tx: Tx) -> None:
        row = allowed_project(call, tx, self._identity)
        if isinstance(row, DomainRow):
            self._domains.delete(tx, row.id, call.principal)
        else:
            self._projects.delete(tx, row.id, call.principal)


def _as_domain(wishes: dict[str, Any]) -> dict[str, Any]:
    left = ("is_domain", "domain_id", "parent_id")
    return {name: value for name, value in wishes.items() if name not in left}


def _tags(call: Call, name: str) -> list[str]:
    return [tag for text in call.query.all(name) for tag in text.split(",") if tag]
