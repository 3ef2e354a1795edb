"""Roles and role assignments on the wire: identity API v3."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import NO_DOMAIN, SYSTEM, AssignmentRow, RoleRow, TargetType
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService


def role_body(call: Call, row: RoleRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id or None,
        "description": row.description,
        "options": row.options,
        "links": self_link(call, "roles", row.id),
    }


class RolesApi:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity
        self._roles = identity.roles

    def operations(self) -> list[Operation]:
        one = "/v3/roles/{role_id}"
        made = [
            Operation("GET", "/v3/roles", self.index, policy="identity:list_roles"),
            Operation(
                "POST",
                "/v3/roles",
                self.create,
                policy="identity:create_role",
                body=Wrapped,
                status=201,
            ),
            Operation("GET", one, self.show, policy="identity:get_role"),
            Operation("PATCH", one, self.update, policy="identity:update_role", body=Wrapped),
            Operation("DELETE", one, self.delete, policy="identity:delete_role", status=204),
            Operation(
                "GET",
                "/v3/role_assignments",
                self.assignments,
                policy="identity:list_role_assignments",
                early=False,
            ),
            Operation(
                "GET", "/v3/role_inferences", self.inferences, policy="identity:list_implied_roles"
            ),
        ]
        for base in ("/v3/projects/{project_id}", "/v3/domains/{domain_id}", "/v3/system"):
            many = f"{base}/users/{{user_id}}/roles"
            each = many + "/{role_id}"
            made += [
                Operation("GET", many, self.grants, policy="identity:list_grants"),
                Operation("PUT", each, self.grant, policy="identity:create_grant", status=204),
                Operation("HEAD", each, self.check, policy="identity:check_grant", status=204),
                Operation("GET", each, self.check, policy="identity:check_grant", status=204),
                Operation("DELETE", each, self.revoke, policy="identity:revoke_grant", status=204),
            ]
        return made

    def index(self, call: Call, tx: Tx) -> Any:
        where = filters(call, "name")
        where["domain_id"] = call.query.get("domain_id") or NO_DOMAIN
        items = [role_body(call, row) for row in self._roles.listing.page(tx, where=where)]
        return listed(call, "roles", matching(call, items))

    def create(self, call: Call, tx: Tx) -> Any:
        row = self._roles.create(tx, unwrapped(call, "role"), call.principal)
        return {"role": role_body(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"role": role_body(call, self._roles.get(tx, call.path["role_id"]))}

    def update(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "role")
        row = self._roles.update(tx, call.path["role_id"], wishes, call.principal)
        return {"role": role_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._roles.delete(tx, call.path["role_id"], call.principal)

    def grants(self, call: Call, tx: Tx) -> Any:
        target_type, target_id = _target(call)
        rows = self._roles.granted(tx, call.path["user_id"], target_type, target_id)
        return listed(call, "roles", [role_body(call, row) for row in rows])

    def grant(self, call: Call, tx: Tx) -> None:
        self._roles.grant(
            tx, call.path["role_id"], call.path["user_id"], *_target(call), call.principal
        )

    def check(self, call: Call, tx: Tx) -> None:
        path = call.path
        if not self._roles.has_grant(tx, path["role_id"], path["user_id"], *_target(call)):
            raise NotFound(f"Could not find role assignment with role: {path['role_id']}.")

    def revoke(self, call: Call, tx: Tx) -> None:
        self._roles.revoke(
            tx, call.path["role_id"], call.path["user_id"], *_target(call), call.principal
        )

    def inferences(self, call: Call, tx: Tx) -> Any:
        rules = []
        for row in self._roles.listing.page(tx, where={}):
            implied = [r for r in self._roles.with_implied(tx, [row.id]) if r.id != row.id]
            if implied:
                rules.append(
                    {
                        "prior_role": role_body(call, row),
                        "implies": [role_body(call, other) for other in implied],
                    }
                )
        return {"role_inferences": rules, "links": {"self": call.url}}

    def assignments(self, call: Call, tx: Tx) -> Any:
        project_id = call.query.get("scope.project.id")
        domain_id = call.query.get("scope.domain.id")
        call.allow({"target.domain_id": domain_id})
        where: dict[str, Any] = {}
        for name, query in (("user_id", "user.id"), ("role_id", "role.id")):
            if call.query.get(query):
                where[name] = call.query.get(query)
        if project_id:
            where.update(target_type="project", target_id=project_id)
        elif domain_id:
            where.update(target_type="domain", target_id=domain_id)
        elif call.query.get("scope.system") is not None:
            where.update(target_type="system", target_id=SYSTEM)
        if call.query.get("group.id"):
            return listed(call, "role_assignments", [])
        effective = call.query.get("effective", "false") not in ("0", "false", "False")
        wanted_role = where.pop("role_id", None) if effective else None
        rows = self._roles.assignments.page(tx, where=where)
        if effective:
            rows = self._spread(tx, rows)
            rows = [row for row in rows if wanted_role in (None, row.role_id)]
        named = call.query.get("include_names", "false") not in ("0", "false", "False")
        items = [self._assignment_body(call, tx, row, named) for row in rows]
        return listed(call, "role_assignments", items)

    def _spread(self, tx: Tx, rows: list[AssignmentRow]) -> list[AssignmentRow]:
        """Every role that the assignments give, implied ones included, once each."""
        spread: dict[tuple[str, str, str, str], AssignmentRow] = {}
        for row in rows:
            for role in self._roles.with_implied(tx, [row.role_id]):
                made = AssignmentRow(row.user_id, role.id, row.target_type, row.target_id)
                spread[(row.user_id, role.id, row.target_type, row.target_id)] = made
        return list(spread.values())

    def _assignment_body(
        self, call: Call, tx: Tx, row: AssignmentRow, named: bool
    ) -> dict[str, Any]:
        role: dict[str, Any] = {"id": row.role_id}
        user: dict[str, Any] = {"id": row.user_id}
        scope: dict[str, Any]
        if row.target_type == "system":
            scope = {"system": {"all": True}}
        else:
            scope = {row.target_type: {"id": row.target_id}}
        if named:
            self._name(tx, role, user, scope)
        where = "system" if row.target_type == "system" else f"{row.target_type}s/{row.target_id}"
        link = f"{call.base_url}/v3/{where}/users/{row.user_id}/roles/{row.role_id}"
        return {"role": role, "user": user, "scope": scope, "links": {"assignment": link}}

    def _name(
        self, tx: Tx, role: dict[str, Any], user: dict[str, Any], scope: dict[str, Any]
    ) -> None:
        role["name"] = self._roles.get(tx, role["id"]).name
        found = tx.get(UserRow, user["id"])
        if found is not None:
            user["name"] = found.name
            user["domain"] = _domain(tx, found.domain_id)
        if "project" in scope:
            project = tx.get(ProjectRow, scope["project"]["id"])
            if project is not None:
                scope["project"]["name"] = project.name
                scope["project"]["domain"] = _domain(tx, project.domain_id)
        elif "domain" in scope:
            scope["domain"] = _domain(tx, scope["domain"]["id"])


def _domain(tx: Tx, domain_id: str) -> dict[str, str]:
    found = tx.get(DomainRow, domain_id)
    return {"id": domain_id, "name": found.name if found is not None else ""}


def _target(call: Call) -> tuple[TargetType, str]:
    if "project_id" in call.path:
        return "project", call.path["project_id"]
    if "domain_id" in call.path:
        return "domain", call.path["domain_id"]
    return "system", SYSTEM
