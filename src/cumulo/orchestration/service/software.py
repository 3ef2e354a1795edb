"""The verbs of software configurations and deployments."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.orchestration.model.software import ConfigRow, DeploymentRow
from cumulo.orchestration.queries import software as queries
from cumulo.orchestration.service.handlers import Seal

MOST_CONFIG = 256 * 1024
MOST_VALUES = 64 * 1024
MOST_OF_SERVER = 2 * 1024 * 1024
"""Letters of all configurations of a server's deployments, as they are sealed."""
MOST_DEPLOYMENTS = 200
"""Of one server: its metadata are read as a whole."""
STATUSES = ("IN_PROGRESS", "FAILED", "COMPLETE", "INIT")


class Software:
    configs = queries.CONFIGS
    deployments = queries.DEPLOYMENTS

    def __init__(self, seal: Seal, quotas: Quotas) -> None:
        self._seal = seal
        self._quotas = quotas

    # --- configurations --------------------------------------------------------------------

    def config(self, tx: Tx, id: str, project_id: str | None) -> ConfigRow:
        """Raises NotFound."""
        found = tx.get(ConfigRow, id)
        if found is None or (project_id is not None and found.project_id != project_id):
            raise NotFound(f"The Software Config ({id}) could not be found.")
        return found

    def create_config(
        self,
        tx: Tx,
        project_id: str,
        *,
        name: str,
        config: str,
        group: str = "Heat::Ungrouped",
        options: Mapping[str, Any] | None = None,
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
    ) -> ConfigRow:
        """Raises BadRequest."""
        if len(config) > MOST_CONFIG:
            raise BadRequest(f"A configuration has at most {MOST_CONFIG} letters.")
        for each in (*inputs, *outputs):
            if not isinstance(each, dict) or not isinstance(each.get("name"), str):
                raise BadRequest("An input or output of a configuration is a map with a name.")
        self._quotas.take(tx, project_id, software_configs=1)
        row = ConfigRow(
            id=new_id(),
            project_id=project_id,
            name=name[:255],
            group=group[:255],
            config=self._seal.encrypt(config),
            options=dict(options or {}),
            inputs=self._sealed(list(inputs)),
            outputs=list(outputs),
            created_at=tx.now,
        )
        tx.insert(row)
        return row

    def delete_config(self, tx: Tx, row: ConfigRow) -> None:
        """Raises Forbidden while a deployment has it."""
        if int(tx.value(queries.USED, config=row.id)):
            raise Forbidden(
                f"Software config with id {row.id} can not be deleted as it is referenced.",
                kind="InvalidRestrictedAction",
            )
        tx.delete(row)
        self._quotas.give_back(tx, row.project_id, software_configs=1)

    def text(self, row: ConfigRow) -> str:
        return self._seal.decrypt(row.config)

    def inputs(self, row: ConfigRow) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._opened(row.inputs)
        return found

    # --- deployments -----------------------------------------------------------------------

    def deployment(self, tx: Tx, id: str, project_id: str | None) -> DeploymentRow:
        """Raises NotFound."""
        found = tx.get(DeploymentRow, id)
        if found is None or (project_id is not None and found.project_id != project_id):
            raise NotFound(f"Deployment with id {id} not found")
        return found

    def create_deployment(
        self,
        tx: Tx,
        project_id: str,
        *,
        config_id: str,
        server_id: str,
        action: str = "INIT",
        status: str = "COMPLETE",
        reason: str = "",
        values: Mapping[str, Any] | None = None,
        user_project: str = "",
    ) -> DeploymentRow:
        """Raises NotFound for the configuration, BadRequest."""
        config = self.config(tx, config_id, project_id)
        _known(status)
        self._fits(tx, project_id, server_id, config)
        there = int(tx.value(queries.COUNT_OF_SERVER, project=project_id, server=server_id))
        if there >= MOST_DEPLOYMENTS:
            raise BadRequest(f"A server has at most {MOST_DEPLOYMENTS} deployments.")
        self._quotas.take(tx, project_id, software_deployments=1)
        row = DeploymentRow(
            id=new_id(),
            project_id=project_id,
            server_id=server_id,
            config_id=config_id,
            action=action[:255],
            status=status,
            status_reason=reason[:2000],
            input_values=self._sealed(dict(values or {})),
            output_values=self._sealed({}),
            created_at=tx.now,
            updated_at=None,
            stack_user_project_id=user_project[:64],
        )
        tx.insert(row)
        return row

    def update_deployment(self, tx: Tx, row: DeploymentRow, **changes: Any) -> DeploymentRow:
        """Of config_id, action, status, status_reason, input_values and output_values."""
        if "config_id" in changes:
            config = self.config(tx, changes["config_id"], row.project_id)
            if config.id != row.config_id:
                self._fits(tx, row.project_id, row.server_id, config)
        if "status" in changes:
            _known(changes["status"])
        for name in ("input_values", "output_values"):
            if name in changes:
                changes[name] = self._sealed(changes[name])
        return tx.update(row, updated_at=tx.now, **changes)

    @staticmethod
    def _fits(tx: Tx, project_id: str, server_id: str, config: ConfigRow) -> None:
        """All that a server is told goes to it at once. Raises BadRequest."""
        given = {"project": project_id, "server": server_id}
        there = int(tx.value(queries.LETTERS_OF_SERVER, **given))
        if there + len(config.config) + len(config.inputs) > MOST_OF_SERVER:
            raise BadRequest(
                f"The configurations of a server have at most {MOST_OF_SERVER} bytes, as kept."
            )

    def give_up(self, tx: Tx, id: str, project_id: str, why: str) -> None:
        """Nobody waits for it any more."""
        row = tx.get(DeploymentRow, id)
        if row is not None and row.project_id == project_id and row.status == "IN_PROGRESS":
            self.update_deployment(tx, row, status="FAILED", status_reason=why)

    def delete_deployment(self, tx: Tx, row: DeploymentRow) -> None:
        tx.delete(row)
        self._quotas.give_back(tx, row.project_id, software_deployments=1)

    def input_values(self, row: DeploymentRow) -> dict[str, Any]:
        found: dict[str, Any] = self._opened(row.input_values)
        return found

    def output_values(self, row: DeploymentRow) -> dict[str, Any]:
        found: dict[str, Any] = self._opened(row.output_values)
        return found

    def of_server(self, tx: Tx, project_id: str, server_id: str) -> list[dict[str, Any]]:
        """What the server is to have: the configurations of its deployments, oldest first."""
        found = []
        for each in tx.all(queries.OF_SERVER, project=project_id, server=server_id):
            row = self.config(tx, each.config_id, project_id)
            found.append(self.shown(row))
        return found

    def shown(self, row: ConfigRow) -> dict[str, Any]:
        """As metadata of servers have it: a structured configuration as data."""
        text: Any = self.text(row)
        if row.group in STRUCTURED or row.options.get("structured"):
            with contextlib.suppress(msgspec.DecodeError):
                text = msgspec.json.decode(text)
        return {
            "id": row.id,
            "name": row.name,
            "group": row.group,
            "config": text,
            "options": {k: v for k, v in row.options.items() if k != "structured"},
            "inputs": self.inputs(row),
            "outputs": row.outputs,
            "creation_time": str(row.created_at),
        }

    # --- secrets ---------------------------------------------------------------------------

    def _sealed(self, value: Any) -> str:
        text = msgspec.json.encode(value).decode()
        if len(text) > MOST_VALUES:
            raise BadRequest(f"Values of a deployment have at most {MOST_VALUES} bytes.")
        return self._seal.encrypt(text)

    def _opened(self, sealed: str) -> Any:
        return msgspec.json.decode(self._seal.decrypt(sealed))


STRUCTURED = frozenset({"component"})


def _known(status: str) -> None:
    if status not in STATUSES:
        raise BadRequest(f"Invalid status {status[:50]}; it is one of {', '.join(STATUSES)}")
