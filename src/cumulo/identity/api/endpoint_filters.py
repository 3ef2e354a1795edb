"""Which endpoints projects see, on the wire: identity API v3, OS-EP-FILTER."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.catalog import endpoint_body
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.api.projects import project_body
from cumulo.identity.model.endpoint_filter import EndpointGroupRow
from cumulo.identity.service.identity import IdentityService

ROOT = "OS-EP-FILTER"
GROUPS = f"{ROOT}/endpoint_groups"


def group_body(call: Call, row: EndpointGroupRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "filters": row.filters,
        "links": self_link(call, GROUPS, row.id),
    }


class EndpointFiltersApi:
    def __init__(self, identity: IdentityService) -> None:
        self._filters = identity.endpoint_filters
        self._catalog = identity.catalog
        self._projects = identity.projects

    def operations(self) -> list[Operation]:
        groups = f"/v3/{GROUPS}"
        group = groups + "/{group_id}"
        shown_group = group + "/projects/{project_id}"
        project = f"/v3/{ROOT}/projects/{{project_id}}"
        shown = project + "/endpoints/{endpoint_id}"
        endpoint = f"/v3/{ROOT}/endpoints/{{endpoint_id}}"

        def of(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"identity:{rule}", **more)

        check, check_group = "check_endpoint_in_project", "get_endpoint_group_in_project"
        with_group = "list_{}_associated_with_endpoint_group"
        return [
            of("GET", groups, self.index, "list_endpoint_groups"),
            of("POST", groups, self.create, "create_endpoint_group", body=Wrapped, status=201),
            of("GET", group, self.show, "get_endpoint_group"),
            of("PATCH", group, self.update, "update_endpoint_group", body=Wrapped),
            of("DELETE", group, self.delete, "delete_endpoint_group", status=204),
            of("GET", group + "/endpoints", self.of_group, with_group.format("endpoints")),
            of("GET", group + "/projects", self.projects_of_group, with_group.format("projects")),
            of("PUT", shown_group, self.show_group, "add_endpoint_group_to_project", status=204),
            of("GET", shown_group, self.check_group, check_group),
            of(
                "DELETE",
                shown_group,
                self.hide_group,
                "remove_endpoint_group_from_project",
                status=204,
            ),
            of("GET", project + "/endpoints", self.of_project, "list_endpoints_for_project"),
            of(
                "GET",
                project + "/endpoint_groups",
                self.groups_of_project,
                "list_endpoint_groups_for_project",
            ),
            of("PUT", shown, self.show_endpoint, "add_endpoint_to_project", status=204),
            of("GET", shown, self.check_endpoint, check, status=204),
            of("DELETE", shown, self.hide_endpoint, "remove_endpoint_from_project", status=204),
            of("GET", endpoint + "/projects", self.projects, "list_projects_for_endpoint"),
        ]

    # Groups of endpoints

    def index(self, call: Call, tx: Tx) -> Any:
        rows = self._filters.listing.page(tx, where=filters(call, "name"))
        items = [group_body(call, row) for row in rows]
        return listed(call, "endpoint_groups", matching(call, items))

    def create(self, call: Call, tx: Tx) -> Any:
        row = self._filters.create(tx, unwrapped(call, "endpoint_group"), call.principal)
        return {"endpoint_group": group_body(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"endpoint_group": group_body(call, self._filters.group(tx, call.path["group_id"]))}

    def update(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "endpoint_group")
        row = self._filters.update(tx, call.path["group_id"], wishes, call.principal)
        return {"endpoint_group": group_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._filters.delete(tx, call.path["group_id"], call.principal)

    def of_group(self, call: Call, tx: Tx) -> Any:
        group = self._filters.group(tx, call.path["group_id"])
        rows = self._filters.endpoints_of_group(tx, group)
        return listed(call, "endpoints", [endpoint_body(call, row) for row in rows])

    def projects_of_group(self, call: Call, tx: Tx) -> Any:
        group = self._filters.group(tx, call.path["group_id"])
        rows = self._filters.projects_of_group(tx, group.id)
        return listed(call, "projects", [project_body(call, row) for row in rows])

    def show_group(self, call: Call, tx: Tx) -> None:
        path = call.path
        self._filters.show_group(tx, path["project_id"], path["group_id"], call.principal)

    def check_group(self, call: Call, tx: Tx) -> Any:
        project_id, group_id = call.path["project_id"], call.path["group_id"]
        self._filters.check_group(tx, project_id, group_id)
        body = {
            "project_id": project_id,
            "endpoint_group_id": group_id,
            "links": self_link(call, f"{GROUPS}/{group_id}/projects", project_id),
        }
        return {"project_endpoint_group": body}

    def hide_group(self, call: Call, tx: Tx) -> None:
        path = call.path
        self._filters.hide_group(tx, path["project_id"], path["group_id"], call.principal)

    # What a project sees

    def of_project(self, call: Call, tx: Tx) -> Any:
        project = self._projects.get(tx, call.path["project_id"])
        rows = self._filters.endpoints_of_project(tx, project.id)
        return listed(call, "endpoints", [endpoint_body(call, row) for row in rows])

    def groups_of_project(self, call: Call, tx: Tx) -> Any:
        project = self._projects.get(tx, call.path["project_id"])
        rows = self._filters.groups_of_project(tx, project.id)
        return listed(call, "endpoint_groups", [group_body(call, row) for row in rows])

    def projects(self, call: Call, tx: Tx) -> Any:
        endpoint = self._catalog.endpoint(tx, call.path["endpoint_id"])
        rows = self._filters.projects_of_endpoint(tx, endpoint.id)
        return listed(call, "projects", [project_body(call, row) for row in rows])

    def show_endpoint(self, call: Call, tx: Tx) -> None:
        path = call.path
        self._filters.show_endpoint(tx, path["project_id"], path["endpoint_id"], call.principal)

    def check_endpoint(self, call: Call, tx: Tx) -> None:
        self._filters.check_endpoint(tx, call.path["project_id"], call.path["endpoint_id"])

    def hide_endpoint(self, call: Call, tx: Tx) -> None:
        path = call.path
        self._filters.hide_endpoint(tx, path["project_id"], path["endpoint_id"], call.principal)
