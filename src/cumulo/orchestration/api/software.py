"""Software configurations and deployments on the wire."""

from typing import Any

import msgspec

from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import next_link, page_of
from cumulo.core.wire.shapes import Body
from cumulo.orchestration.api.bodies import flag_of, link
from cumulo.orchestration.model.software import ConfigRow, DeploymentRow
from cumulo.orchestration.service.software import Software

MOST_BODY = 512 * 1024


class NewConfig(Body):
    name: str | None = None
    group: str | None = None
    config: Any = None
    inputs: list[Any] | None = None
    outputs: list[Any] | None = None
    options: dict[str, Any] | None = None


class DeploymentWish(Body):
    config_id: str | None = None
    server_id: str | None = None
    action: str | None = None
    status: str | None = None
    status_reason: str | None = None
    input_values: dict[str, Any] | None = None
    output_values: dict[str, Any] | None = None
    stack_user_project_id: str | None = None


class SoftwareApi:
    def __init__(self, software: Software) -> None:
        self._software = software

    def operations(self) -> list[Operation]:
        configs, deployments = "/software_configs", "/software_deployments"
        one, each = f"{configs}/{{config_id}}", f"{deployments}/{{deployment_id}}"
        more: dict[str, Any] = {"body_limit": MOST_BODY}

        def rule(noun: str, verb: str) -> str:
            return f"software_{noun}:{verb}"

        return [
            Operation("GET", configs, self.configs, policy=rule("configs", "index")),
            Operation(
                "POST",
                configs,
                self.create_config,
                policy=rule("configs", "create"),
                body=NewConfig,
                **more,
            ),
            Operation("GET", one, self.config, policy=rule("configs", "show")),
            Operation(
                "DELETE", one, self.delete_config, policy=rule("configs", "delete"), status=204
            ),
            Operation("GET", deployments, self.deployments, policy=rule("deployments", "index")),
            Operation(
                "GET",
                f"{deployments}/metadata/{{server_id}}",
                self.metadata,
                policy=rule("deployments", "metadata"),
            ),
            Operation(
                "POST",
                deployments,
                self.create_deployment,
                policy=rule("deployments", "create"),
                body=DeploymentWish,
                **more,
            ),
            Operation("GET", each, self.deployment, policy=rule("deployments", "show")),
            Operation(
                "PUT",
                each,
                self.update_deployment,
                policy=rule("deployments", "update"),
                body=DeploymentWish,
                **more,
            ),
            Operation(
                "DELETE",
                each,
                self.delete_deployment,
                policy=rule("deployments", "delete"),
                status=204,
            ),
        ]

    # --- configurations --------------------------------------------------------------------

    def configs(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {"project_id": call.path["project_id"]}
        if flag_of(call.query.get("global_tenant"), "global_tenant"):
            call.allow(action="software_configs:global_index")
            where = {}
        page = page_of(
            call, tx, self._software.configs, where, find_marker=lambda id: tx.get(ConfigRow, id)
        )
        body: dict[str, Any] = {"software_configs": [_summary(row) for row in page.rows]}
        following = next_link(call, page, page.rows[-1].id if page.rows else None)
        return body | ({"links": [link(following, "next")]} if following else {})

    def config(self, call: Call, tx: Tx) -> Any:
        row = self._software.config(tx, call.path["config_id"], call.path["project_id"])
        return {"software_config": self._config(row)}

    def create_config(self, call: Call, tx: Tx) -> Any:
        body: NewConfig = call.body
        text = "" if body.config is None else body.config
        row = self._software.create_config(
            tx,
            call.path["project_id"],
            name=body.name or "",
            group=body.group or "Heat::Ungrouped",
            config=text if isinstance(text, str) else _json(text),
            options=body.options,
            inputs=body.inputs or (),
            outputs=body.outputs or (),
        )
        return {"software_config": self._config(row)}

    def delete_config(self, call: Call, tx: Tx) -> None:
        row = self._software.config(tx, call.path["config_id"], call.path["project_id"])
        self._software.delete_config(tx, row)

    def _config(self, row: ConfigRow) -> dict[str, Any]:
        return {
            **_summary(row),
            "config": self._software.text(row),
            "inputs": self._software.inputs(row),
            "outputs": row.outputs,
            "options": {k: v for k, v in row.options.items() if k != "structured"},
        }

    # --- deployments -----------------------------------------------------------------------

    def deployments(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {"project_id": call.path["project_id"]}
        server = call.query.get("server_id")
        if server is not None:
            where["server_id"] = server
        page = page_of(
            call,
            tx,
            self._software.deployments,
            where,
            find_marker=lambda id: tx.get(DeploymentRow, id),
        )
        return {"software_deployments": [self._deployment(row) for row in page.rows]}

    def metadata(self, call: Call, tx: Tx) -> Any:
        found = self._software.of_server(tx, call.path["project_id"], call.path["server_id"])
        return {"metadata": found}

    def _one(self, call: Call, tx: Tx) -> DeploymentRow:
        return self._software.deployment(tx, call.path["deployment_id"], call.path["project_id"])

    def deployment(self, call: Call, tx: Tx) -> Any:
        return {"software_deployment": self._deployment(self._one(call, tx))}

    def create_deployment(self, call: Call, tx: Tx) -> Any:
        body: DeploymentWish = call.body
        if not body.config_id or not body.server_id:
            raise BadRequest("A deployment needs config_id and server_id.")
        if len(body.server_id) > 255:
            raise BadRequest("server_id has at most 255 letters.")
        row = self._software.create_deployment(
            tx,
            call.path["project_id"],
            config_id=body.config_id,
            server_id=body.server_id,
            action=body.action or "INIT",
            status=body.status or "COMPLETE",
            reason=body.status_reason or "",
            values=body.input_values,
            user_project=body.stack_user_project_id or "",
        )
        return {"software_deployment": self._deployment(row)}

    def update_deployment(self, call: Call, tx: Tx) -> Any:
        body: DeploymentWish = call.body
        names = ("config_id", "action", "status", "status_reason", "input_values", "output_values")
        changes = {name: getattr(body, name) for name in names if getattr(body, name) is not None}
        for name, most in (("action", 255), ("status_reason", 2000)):
            if name in changes:
                changes[name] = changes[name][:most]
        row = self._software.update_deployment(tx, self._one(call, tx), **changes)
        return {"software_deployment": self._deployment(row)}

    def delete_deployment(self, call: Call, tx: Tx) -> None:
        self._software.delete_deployment(tx, self._one(call, tx))

    def _deployment(self, row: DeploymentRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "server_id": row.server_id,
            "config_id": row.config_id,
            "action": row.action,
            "status": row.status,
            "status_reason": row.status_reason,
            "input_values": self._software.input_values(row),
            "output_values": self._software.output_values(row),
            "creation_time": zulu(row.created_at),
            "updated_time": None if row.updated_at is None else zulu(row.updated_at),
        }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _summary(row: ConfigRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "group": row.group,
        "project": row.project_id,
        "creation_time": zulu(row.created_at),
    }
