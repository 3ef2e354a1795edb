"""A project's whole network at once: networking API v2.0, `auto-allocated-topology`."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.attributes import admin_or_self
from cumulo.network.service.network import NetworkService


class AutoTopologyApi:
    def __init__(self, network: NetworkService) -> None:
        self._verbs = network.auto_topologies

    def operations(self) -> list[Operation]:
        one = "/v2.0/auto-allocated-topology/{id}"

        def named(method: str, handler: Any, verb: str, **more: Any) -> Operation:
            policy = f"{verb}_auto_allocated_topology"
            return Operation(method, one, handler, policy=policy, early=False, **more)

        return [
            named("GET", self.show, "get", writes=True),
            named("DELETE", self.delete, "delete", status=204),
        ]

    def show(self, call: Call, tx: Tx) -> Any:
        """Made when there is none; `?fields=dry-run` asks only whether it could be."""
        project = self._project(call)
        if "dry-run" in call.query.all("fields"):
            self._verbs.check(tx)
            id = "dry-run=pass"
        else:
            id = self._verbs.ensure(tx, project, admin_or_self(call))
        body = {"id": id, "project_id": project, "tenant_id": project}
        return {"auto_allocated_topology": body}

    def delete(self, call: Call, tx: Tx) -> None:
        self._verbs.remove(tx, self._project(call), admin_or_self(call))

    def _project(self, call: Call) -> str:
        named = call.path["id"]
        project = call.project_id if named in ("null", "None") else named
        call.allow({"project_id": project, "tenant_id": project})
        return project
