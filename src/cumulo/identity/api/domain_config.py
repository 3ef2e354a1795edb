"""Configuration of domains on the wire: identity API v3, `domains/{id}/config`."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.service.domain_config import COMPLIANCE
from cumulo.identity.service.identity import IdentityService


class ConfigBody(msgspec.Struct):
    config: dict[str, Any]


class DomainConfigApi:
    def __init__(self, identity: IdentityService) -> None:
        self._configs = identity.domain_configs

    def operations(self) -> list[Operation]:
        made: list[Operation] = []
        whole = "/v3/domains/{domain_id}/config"
        section = whole + "/{section}"
        option = section + "/{option}"
        for path in (whole, section, option):
            made += [
                self._of("GET", path, self.show, "get_domain_config", early=False),
                self._of("PATCH", path, self.update, "update_domain_config", body=ConfigBody),
                self._of("DELETE", path, self.delete, "delete_domain_config", status=204),
            ]
        made.append(self._of("PUT", whole, self.put, "create_domain_config", body=ConfigBody))
        for part in ("", "/{section}", "/{section}/{option}"):
            path = f"/v3/domains/config{part}/default"
            made.append(self._of("GET", path, self.default, "get_domain_config_default"))
        return made

    def _of(self, method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
        return Operation(method, path, handler, policy=f"identity:{rule}", **more)

    def put(self, call: Call, tx: Tx) -> Reply:
        config, first = self._configs.replace(
            tx, call.path["domain_id"], call.body.config, call.principal
        )
        return Reply(201 if first else 200, {"config": config})

    def show(self, call: Call, tx: Tx) -> Any:
        domain_id, section, option = _place(call)
        if section == COMPLIANCE:
            call.allow({}, "identity:get_security_compliance_domain_config")
            if tx.get(DomainRow, domain_id) is not None:
                return {"config": self._configs.compliance(domain_id, option)}
        else:
            call.allow({})
        return {"config": self._configs.show(tx, domain_id, section, option)}

    def update(self, call: Call, tx: Tx) -> Any:
        domain_id, section, option = _place(call)
        config = self._configs.update(
            tx, domain_id, call.body.config, section, option, call.principal
        )
        return {"config": config}

    def delete(self, call: Call, tx: Tx) -> None:
        self._configs.delete(tx, *_place(call), call.principal)

    def default(self, call: Call, tx: Tx) -> Any:
        path = call.path
        return {"config": self._configs.default(path.get("section"), path.get("option"))}


def _place(call: Call) -> tuple[str, str | None, str | None]:
    return call.path["domain_id"], call.path.get("section"), call.path.get("option")
