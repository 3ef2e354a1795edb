"""The list of assignments on the wire: identity API v3, `role_assignments`."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import flag, listed
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.assignments import Line, Names, Wanted
from cumulo.identity.service.identity import IdentityService

INHERITED_TO = "OS-INHERIT:inherited_to"


class AssignmentsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._assignments = identity.assignments
        self._projects = identity.projects

    def operations(self) -> list[Operation]:
        rule = "identity:list_role_assignments"
        return [
            Operation(
                "GET", "/v3/role_assignments", self.index, policy=rule, early=False, kind="heavy"
            )
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        query = call.query
        wanted = Wanted(
            user_id=query.get("user.id"),
            group_id=query.get("group.id"),
            role_id=query.get("role.id"),
            project_id=query.get("scope.project.id"),
            domain_id=query.get("scope.domain.id"),
            system=query.get("scope.system") is not None,
            inherited=_inherited(call),
            effective=flag(call, "effective"),
            subtree=flag(call, "include_subtree"),
        )
        self._allow(call, tx, wanted)
        lines = self._assignments.find(tx, wanted)
        if call.principal.domain_id is not None:
            lines = _within(tx, lines, call.principal.domain_id)
        names = Names(tx, lines) if flag(call, "include_names") else None
        items = [assignment_body(call, line, names) for line in lines]
        return listed(call, "role_assignments", items)

    def _allow(self, call: Call, tx: Tx, wanted: Wanted) -> None:
        if not wanted.subtree:
            return call.allow({"target.domain_id": call.principal.domain_id})
        domain_id = None
        if wanted.project_id:
            domain_id = self._projects.get(tx, wanted.project_id).domain_id
        return call.allow(
            {"target.domain_id": domain_id}, "identity:list_role_assignments_for_tree"
        )


def _inherited(call: Call) -> bool | None:
    value = call.query.get(f"scope.{INHERITED_TO}")
    return None if value is None else value == "projects"


def _within(tx: Tx, lines: list[Line], domain_id: str) -> list[Line]:
    """Those whose target is the domain or one of its projects."""
    on = {line.target_id for line in lines if line.target_type == "project"}
    found = {id for id in on if _is_in(tx, id, domain_id)} | {domain_id}
    return [line for line in lines if line.target_id in found]


def _is_in(tx: Tx, project_id: str, domain_id: str) -> bool:
    project = tx.get(ProjectRow, project_id)
    return project is not None and project.domain_id == domain_id


def assignment_body(call: Call, line: Line, names: Names | None) -> dict[str, Any]:
    inherited = line.inherited or line.from_id is not None
    scope: dict[str, Any]
    if line.target_type == "system":
        scope = {"system": {"all": True}}
    else:
        scope = {line.target_type: names.target(line) if names else {"id": line.target_id}}
    if inherited:
        scope[INHERITED_TO] = "projects"
    return {
        "role": names.role(line) if names else {"id": line.role_id},
        line.actor_type: names.actor(line) if names else {"id": line.actor_id},
        "scope": scope,
        "links": _links(f"{call.base_url}/v3", line, inherited),
    }


def _links(base: str, line: Line, inherited: bool) -> dict[str, str]:
    """Where the assignment itself is, and by which membership or implied role it came."""
    kind, id = line.from_type or line.target_type, line.from_id or line.target_id
    where = "system" if kind == "system" else f"{kind}s/{id}"
    actor = f"{line.actor_type}s/{line.actor_id}"
    if line.by_group is not None:
        actor = f"groups/{line.by_group}"
    path = f"{where}/{actor}/roles/{line.by_role or line.role_id}"
    if inherited:
        path = f"OS-INHERIT/{path}/inherited_to_projects"
    links = {"assignment": f"{base}/{path}"}
    if line.by_group is not None:
        links["membership"] = f"{base}/groups/{line.by_group}/users/{line.actor_id}"
    if line.by_role is not None:
        links["prior_role"] = f"{base}/prior_role/{line.by_role}/implies/{line.role_id}"
    return links
