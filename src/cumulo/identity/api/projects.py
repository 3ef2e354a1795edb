"""Projects on the wire: identity API v3, `projects` and their tags."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.identity import IdentityService


def project_body(call: Call, row: ProjectRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id,
        "parent_id": row.parent_id or row.domain_id,
        "description": row.description,
        "enabled": row.enabled,
        "is_domain": False,
        "tags": row.tags,
        "options": row.options,
        "links": self_link(call, "projects", row.id),
    }


def project_target(row: ProjectRow) -> dict[str, Any]:
    return {
        "target.project.id": row.id,
        "target.project.domain_id": row.domain_id,
        "project_id": row.id,
    }


class ProjectsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._projects = identity.projects

    def operations(self) -> list[Operation]:
        one = "/v3/projects/{project_id}"
        return [
            Operation(
                "GET", "/v3/projects", self.index, policy="identity:list_projects", early=False
            ),
            Operation(
                "POST",
                "/v3/projects",
                self.create,
                policy="identity:create_project",
                early=False,
                body=Wrapped,
                status=201,
            ),
            Operation("GET", one, self.show, policy="identity:get_project", early=False),
            Operation(
                "PATCH",
                one,
                self.update,
                policy="identity:update_project",
                early=False,
                body=Wrapped,
            ),
            Operation(
                "DELETE",
                one,
                self.delete,
                policy="identity:delete_project",
                early=False,
                status=204,
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        domain_id = call.query.get("domain_id") or call.principal.domain_id
        call.allow({"target.domain_id": domain_id})
        where = filters(call, "name", "domain_id", "enabled", "parent_id")
        if call.principal.domain_id and not call.principal.is_admin:
            where["domain_id"] = call.principal.domain_id
        if call.query.get("is_domain", "false") in ("1", "true", "True"):
            return listed(call, "projects", [])
        tags = [tag for text in call.query.all("tags") for tag in text.split(",")]
        found = self._projects.listing.page(tx, where=where)
        rows = [row for row in found if set(tags) <= set(row.tags)]
        items = [project_body(call, row) for row in rows]
        return listed(call, "projects", matching(call, items))

    def create(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "project")
        home = call.principal.domain_id or call.principal.project_domain_id or DEFAULT_DOMAIN_ID
        call.allow({"target.project.domain_id": wishes.get("domain_id") or home})
        row = self._projects.create(tx, wishes, call.principal, home)
        return {"project": project_body(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        project_id = call.path["project_id"]
        domain = tx.get(DomainRow, project_id)
        if domain is not None:
            # A domain is also a project that acts as one.
            call.allow({"target.project.id": domain.id, "target.project.domain_id": domain.id})
            return {"project": _as_project(call, domain)}
        row = self._projects.get(tx, project_id)
        call.allow(project_target(row))
        body = project_body(call, row)
        if call.query.get("parents_as_ids") is not None:
            body["parents"] = {row.parent_id or row.domain_id: None}
        return {"project": body}

    def update(self, call: Call, tx: Tx) -> Any:
        call.allow(project_target(self._projects.get(tx, call.path["project_id"])))
        wishes = unwrapped(call, "project")
        row = self._projects.update(tx, call.path["project_id"], wishes, call.principal)
        return {"project": project_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        project_id = call.path["project_id"]
        if tx.get(DomainRow, project_id) is not None:
            raise NotFound(f"Could not find project: {project_id}.")
        call.allow(project_target(self._projects.get(tx, project_id)))
        self._projects.delete(tx, project_id, call.principal)


def _as_project(call: Call, row: DomainRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "domain_id": None,
        "parent_id": None,
        "description": row.description,
        "enabled": row.enabled,
        "is_domain": True,
        "tags": row.tags,
        "options": row.options,
        "links": self_link(call, "projects", row.id),
    }
