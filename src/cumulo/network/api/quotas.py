"""Quotas on the wire: networking API v2.0, `quotas`."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import as_bool, whole_or_none
from cumulo.network.api.attributes import Wrapped
from cumulo.network.service.network import NetworkService
from cumulo.network.service.refusals import unfit

MOST = 2**31 - 1
CHECKS = ("check_limit", "force")
"""Whether a limit may be set below what is in use: it may, unless `check_limit` is true."""


class QuotasApi:
    def __init__(self, network: NetworkService) -> None:
        self._quotas = network.quotas

    def operations(self) -> list[Operation]:
        one = "/v2.0/quotas/{id}"

        def named(method: str, path: str, handler: Any, verb: str, **more: Any) -> Operation:
            policy = f"{verb}_quota"
            return Operation(method, path, handler, policy=policy, early=False, **more)

        return [
            named("GET", "/v2.0/quotas", self.index, "get"),
            named("GET", one, self.show, "get"),
            named("GET", f"{one}/default", self.default, "get"),
            named("GET", f"{one}/details", self.details, "get"),
            named("GET", f"{one}/details.json", self.details, "get"),
            named("PUT", one, self.update, "update", body=Wrapped),
            named("DELETE", one, self.delete, "delete", status=204),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        """Projects whose limits are not the defaults."""
        call.allow({}, "context_is_admin")
        return {
            "quotas": [
                {**self._quotas.limits(tx, project), "project_id": project, "tenant_id": project}
                for project in self._quotas.projects_with_limits(tx)
            ]
        }

    def show(self, call: Call, tx: Tx) -> Any:
        return {"quota": self._quotas.limits(tx, self._project(call))}

    def default(self, call: Call, tx: Tx) -> Any:
        self._project(call)
        return {"quota": self._quotas.defaults(tx)}

    def details(self, call: Call, tx: Tx) -> Any:
        project = self._project(call)
        used = self._quotas.usages(tx, project)
        limits = self._quotas.limits(tx, project)
        return {
            "quota": {
                name: {"limit": limit, "used": used[name], "reserved": 0}
                for name, limit in limits.items()
            }
        }

    def update(self, call: Call, tx: Tx) -> Any:
        project = self._project(call)
        values: dict[str, int] = {}
        known = self._quotas.known(tx)
        sent = call.body.quota or {}
        for name, value in sent.items():
            if name in ("project_id", "tenant_id", *CHECKS):
                continue
            if name not in known:
                raise BadRequest(f"Unrecognized attribute(s) '{name}'", kind="HTTPBadRequest")
            text = str(value)
            number = whole_or_none(text)
            if number is None or not -1 <= number <= MOST:
                raise unfit(name, f"'{text[:50]}' is not an integer from -1 to {MOST}")
            values[name] = number
        if as_bool(sent.get("check_limit", False), "check_limit"):
            self._refuse_below_use(tx, project, values)
        self._quotas.set_limits(tx, project, values)
        return {"quota": self._quotas.limits(tx, project)}

    def _refuse_below_use(self, tx: Tx, project: str, values: dict[str, int]) -> None:
        used = self._quotas.usages(tx, project)
        for name, limit in values.items():
            if 0 <= limit < used[name]:
                raise unfit(name, f"{used[name]} are in use, more than the limit {limit}")

    def delete(self, call: Call, tx: Tx) -> None:
        self._quotas.reset_limits(tx, self._project(call))

    def _project(self, call: Call) -> str:
        project = call.path["id"]
        call.allow({"project_id": project, "tenant_id": project})
        return project
