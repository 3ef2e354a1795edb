"""Deployments: a configuration for a server, which says by a signal what came of it."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.clock import seconds_of
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.resource_types import READY, Property, State, items, mapping, text
from cumulo.orchestration.language.functions import Budget
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.software import ConfigRow, DeploymentRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.handlers import Seal, Work
from cumulo.orchestration.service.rest_handler import find
from cumulo.orchestration.service.software import MOST_CONFIG, Software
from cumulo.orchestration.service.waits import Signalled

ACTIONS = ["CREATE", "UPDATE", "DELETE", "SUSPEND", "RESUME"]
TRANSPORTS = ("CFN_SIGNAL", "TEMP_URL_SIGNAL", "NO_SIGNAL", "AUTO")
LOOK = 15.0
OUTPUTS = ("deploy_stdout", "deploy_stderr", "deploy_status_code")
MOST_OUTPUT = 30_000


class SoftwareDeployment(Signalled):
    """`OS::Heat::SoftwareDeployment`"""

    description = "Associates a server with some configuration, and waits for what comes of it."
    until_the_end = True
    properties: Mapping[str, Property] = {
        "config": text("ID of the configuration.", update=True),
        "server": text("ID of the server.", required=True),
        "input_values": mapping(None, "Input values for the configuration.", update=True),
        "actions": items(
            text("", constraints=[{"allowed_values": ACTIONS}]),
            "Which lifecycle actions of the deployment resource will result in a deployment.",
            default=["CREATE", "UPDATE"],
            update=True,
        ),
        "name": text("Name of the derived config.", update=True),
        "signal_transport": text(
            "How the server should signal what came of it.",
            default="CFN_SIGNAL",
            constraints=[
                {
                    "allowed_values": list(TRANSPORTS),
                    "description": "Guests are given no password, and there is no messaging "
                    f"service: one of {', '.join(TRANSPORTS)} is done.",
                }
            ],
        ),
    }
    attributes = {
        "deploy_stdout": "Captured stdout from the configuration execution.",
        "deploy_stderr": "Captured stderr from the configuration execution.",
        "deploy_status_code": "Returned status code from the configuration execution.",
    }

    def __init__(self, seal: Seal, endpoint: str, software: Software) -> None:
        super().__init__(seal, endpoint)
        self.software = software

    # --- what is deployed ------------------------------------------------------------------

    def create(self, work: Work) -> str | None:
        super().create(work)
        server = find(work, work.engine.types.finders["server"], work.properties["server"])
        work.store(server=server)
        deployment = self._deploy(work, "CREATE", None)
        return deployment.id

    def adopt(self, work: Work, data: Mapping[str, Any]) -> str | None:
        found = super().adopt(work, data)
        finder = work.engine.types.finders["server"]
        work.store(server=find(work, finder, work.properties["server"]))
        return found

    def update(self, work: Work, changed: Mapping[str, Any]) -> bool:
        if self._inputs_replace(work, changed):
            return False
        if self._row(work) is None:
            # Somebody has removed it: another resource is made, which has the new one's id.
            return False
        self._deploy(work, "UPDATE", self._row(work))
        return True

    def mend(self, work: Work) -> None:
        self._deploy(work, "UPDATE" if work.row.made else "CREATE", self._row(work))

    def suspend(self, work: Work, *, resume: bool) -> None:
        row = self._row(work)
        if row is not None:
            self._deploy(work, "RESUME" if resume else "SUSPEND", row)

    def _inputs_replace(self, work: Work, changed: Mapping[str, Any]) -> bool:
        if "input_values" not in changed:
            return False
        config = self._config(work)
        named = {
            str(each["name"])
            for each in (self.software.inputs(config) if config else ())
            if each.get("replace_on_change")
        }
        old, new = work.row.properties.get("input_values") or {}, changed["input_values"] or {}
        return any(old.get(name) != new.get(name) for name in named)

    def _deploy(self, work: Work, action: str, before: DeploymentRow | None) -> DeploymentRow:
        """The deployment with a configuration of its own, in which the inputs have values."""
        given, tx = work.properties, work.tx
        config = self._config(work)
        derived = self._derived(work, action, config)
        asked = action in given["actions"] and (config is None or self._applies(config, action))
        waits = asked and given["signal_transport"] != "NO_SIGNAL"
        status = "IN_PROGRESS" if waits else "COMPLETE"
        said = "Deploy data available" if asked else "Not waiting for outputs signal"
        if before is None:
            row = self.software.create_deployment(
                tx,
                work.stack.project_id,
                config_id=derived.id,
                server_id=work.row.stored["server"],
                action=action,
                status=status,
                reason=said,
            )
            work.store(derived=derived.id)
        elif asked:
            old = before.config_id
            row = self.software.update_deployment(
                tx,
                before,
                config_id=derived.id,
                action=action,
                status=status,
                status_reason=said,
                output_values={},
            )
            work.store(derived=derived.id)
            self._forget(work, old)
        else:
            self._forget(work, derived.id)
            return before
        self._told(work)
        return row

    def _forget(self, work: Work, config_id: str) -> None:
        try:
            row = self.software.config(work.tx, config_id, work.stack.project_id)
        except NotFound:
            return
        self.software.delete_config(work.tx, row)

    @staticmethod
    def _told(work: Work) -> None:
        """Whoever shows the server's metadata shows something new."""
        work.tx.after_commit(lambda: work.engine.ring(0.0))

    def _config(self, work: Work) -> ConfigRow | None:
        named = work.properties.get("config")
        if not named:
            return None
        try:
            return self.software.config(work.tx, str(named), work.stack.project_id)
        except NotFound as fault:
            raise Invalid(fault.message) from None

    def _applies(self, config: ConfigRow, action: str) -> bool:
        """Of a component: it has something for the action."""
        if config.group != "component":
            return True
        found = json.loads(self.software.text(config)).get("configs", ())
        return any(action in each.get("actions", ()) for each in found)

    def _derived(self, work: Work, action: str, config: ConfigRow | None) -> ConfigRow:
        values = dict(work.properties.get("input_values") or {})
        declared = [] if config is None else self.software.inputs(config)
        inputs = []
        for each in declared:
            name = str(each["name"])
            value = values.pop(name, each.get("default"))
            inputs.append({**each, "value": value})
        inputs += [
            {"name": str(name), "type": "String", "value": value} for name, value in values.items()
        ]
        all_values = {str(each["name"]): each["value"] for each in inputs}
        inputs += self._own_inputs(work, action)
        return self.software.create_config(
            work.tx,
            work.stack.project_id,
            name=work.properties.get("name") or work.place.name,
            config="" if config is None else self.content(config, all_values, action),
            group="Heat::Ungrouped" if config is None else self._group(config, action),
            options={} if config is None else config.options,
            inputs=inputs,
            outputs=() if config is None else config.outputs,
        )

    def _group(self, config: ConfigRow, action: str) -> str:
        if config.group != "component":
            return config.group
        for each in json.loads(self.software.text(config)).get("configs", ()):
            if action in each.get("actions", ()):
                return str(each["tool"])
        return config.group

    def content(self, config: ConfigRow, values: Mapping[str, Any], action: str) -> str:
        """The text that the server is given."""
        found = self.software.text(config)
        if config.group == "component":
            for each in json.loads(found).get("configs", ()):
                if action in each.get("actions", ()):
                    return str(each.get("config") or "")
            return ""
        own = config.options.get("structured")
        if own is None:
            return found
        return with_inputs(json.loads(found), own["input_key"], values, own["validate"])

    def _own_inputs(self, work: Work, action: str) -> list[dict[str, Any]]:
        """What every deployment is told about itself (Heat's names)."""
        transport = work.properties["signal_transport"]
        transport = "CFN_SIGNAL" if transport == "AUTO" else transport
        stack = work.stack
        told = {
            "deploy_server_id": work.row.stored["server"],
            "deploy_action": action,
            "deploy_stack_id": f"{stack.name}/{stack.id}",
            "deploy_resource_name": work.row.name,
            "deploy_signal_transport": transport,
        }
        if transport != "NO_SIGNAL":
            verb = "POST" if transport == "CFN_SIGNAL" else "PUT"
            told |= {"deploy_signal_id": self.url(work) or "", "deploy_signal_verb": verb}
        return [{"name": name, "type": "String", "value": value} for name, value in told.items()]

    # --- what came of it -------------------------------------------------------------------

    def _row(self, work: Work) -> DeploymentRow | None:
        physical = work.row.physical_id
        try:
            return self.software.deployment(work.tx, physical or "", work.stack.project_id)
        except NotFound:
            return None

    def state(self, work: Work) -> State:
        row = self._row(work)
        if row is None:
            return State("failed", "the deployment is not there")
        if row.status == "FAILED":
            return State("failed", f"Deployment to server failed: {row.status_reason}")
        if row.status == "COMPLETE":
            return READY
        return State("working", until=seconds_of(work.tx.now) + LOOK)

    def health(self, work: Work) -> Any:
        return "lost" if self._row(work) is None else "well"

    def delete(self, work: Work) -> None:
        """What is to be done on the server at the end is waited for."""
        row = self._row(work)
        work.properties = work.row.properties
        if row is None or "DELETE" not in (work.properties.get("actions") or ()):
            return
        self._deploy(work, "DELETE", row)

    def gone(self, work: Work) -> bool:
        row = self._row(work)
        if row is None:
            return True
        if row.action == "DELETE" and row.status == "IN_PROGRESS" and self._server_there(work):
            return False
        self.software.delete_deployment(work.tx, row)
        self._forget(work, row.config_id)
        return True

    @staticmethod
    def _server_there(work: Work) -> bool:
        finder = work.engine.types.finders["server"]
        return work.read(f"{finder.path}/{work.row.stored['server']}", finder.version) is not None

    def signal(self, work: Work, details: Mapping[str, Any]) -> str:
        row = self._row(work)
        if row is None or row.status != "IN_PROGRESS":
            return "no action: nothing is waited for"
        config = self.software.config(work.tx, row.config_id, work.stack.project_id)
        values: dict[str, Any] = {}
        errors = []
        for each in config.outputs:
            name = str(each["name"])
            if name in details:
                values[name] = _cut(details[name])
                if each.get("error_output") and details[name]:
                    errors.append(f"{name} : {values[name]}")
        for name in OUTPUTS:
            if name in details:
                values[name] = _cut(details[name])
        code = str(details.get("deploy_status_code") or "0")[:20]
        if code != "0":
            errors.append(
                "deploy_status_code : Deployment exited with non-zero status code: " + code
            )
        if len(msgspec.json.encode(values)) > 2 * MOST_OUTPUT:
            raise BadRequest(f"Outputs of a deployment have at most {2 * MOST_OUTPUT} bytes.")
        self.software.update_deployment(
            work.tx,
            row,
            status="FAILED" if errors else "COMPLETE",
            status_reason=", ".join(errors)[:2000] if errors else "Outputs received",
            output_values=values,
        )
        work.tx.run(resources.WAKE_ID, id=work.row.id, now=work.tx.now)
        work.tx.after_commit(lambda: work.engine.ring(0.0))
        return "deployment failed" if errors else "deployment succeeded"

    def attribute(self, work: Work, name: str) -> Any:
        row = self._row(work)
        if row is None:
            return None
        values = self.software.output_values(row)
        if name in values:
            return values[name]
        if name in OUTPUTS:
            return None
        config = self.software.config(work.tx, row.config_id, work.stack.project_id)
        if name in {str(each["name"]) for each in config.outputs}:
            return None
        raise KeyError(name)


def _cut(value: Any) -> Any:
    return value[-MOST_OUTPUT:] if isinstance(value, str) else value


def with_inputs(data: Any, key: str, values: Mapping[str, Any], validate: str) -> str:
    """Data with the inputs in their places, as JSON: `{get_input: NAME}` is the value of NAME.
    Raises Invalid, also for more than a configuration may have, before it is made."""
    budget = Budget(MOST_CONFIG)
    sizes = {name: len(msgspec.json.encode(value)) for name, value in values.items()}

    def fill(snippet: Any) -> Any:
        if isinstance(snippet, dict):
            if list(snippet) == [key] and isinstance(snippet[key], str):
                name = snippet[key]
                if validate == "STRICT" and name not in values:
                    raise Invalid(f"Input values of {name} are missing")
                budget.spend(sizes.get(name, 0), "")
                return values.get(name)
            return {k: fill(v) for k, v in snippet.items()}
        if isinstance(snippet, list):
            return [fill(each) for each in snippet]
        return snippet

    return msgspec.json.encode(fill(data)).decode()


class StructuredDeployment(SoftwareDeployment):
    """`OS::Heat::StructuredDeployment`: the same for data."""

    description = "A resource which has same logic with OS::Heat::SoftwareDeployment, with data."
    properties = {
        **SoftwareDeployment.properties,
        "input_key": text("Key of a map that stands for an input.", default="get_input"),
        "input_values_validate": text(
            "Whether inputs that are not given are refused.",
            default="LAX",
            constraints=[{"allowed_values": ["LAX", "STRICT"]}],
        ),
    }

    def content(self, config: ConfigRow, values: Mapping[str, Any], action: str) -> str:
        found = self.software.text(config)
        own = config.options.get("structured") or {"input_key": "get_input", "validate": "LAX"}
        try:
            data = json.loads(found)
        except ValueError:
            raise Invalid("the configuration is no data") from None
        return with_inputs(data, own["input_key"], values, own["validate"])
