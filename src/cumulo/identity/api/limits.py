"""Unified limits on the wire: identity API v3, `registered_limits` and `limits`."""

from typing import Annotated, Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import StrictBody
from cumulo.identity.api.envelope import filters, listed, matching, self_link
from cumulo.identity.model.limit import LimitRow, RegisteredLimitRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.limits import (
    MODELS,
    LimitChanges,
    NewLimit,
    NewRegisteredLimit,
    RegisteredLimitChanges,
)

MOST = 1000


class RegisteredLimitsBody(StrictBody):
    registered_limits: Annotated[
        list[NewRegisteredLimit], msgspec.Meta(min_length=1, max_length=MOST)
    ]


class RegisteredLimitBody(StrictBody):
    registered_limit: RegisteredLimitChanges


class LimitsBody(StrictBody):
    limits: Annotated[list[NewLimit], msgspec.Meta(min_length=1, max_length=MOST)]


class LimitBody(StrictBody):
    limit: LimitChanges


def registered_body(call: Call, row: RegisteredLimitRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "service_id": row.service_id,
        "region_id": row.region_id,
        "resource_name": row.resource_name,
        "default_limit": row.default_limit,
        "description": row.description,
        "links": self_link(call, "registered_limits", row.id),
    }


def limit_body(call: Call, row: LimitRow, registered: RegisteredLimitRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "service_id": registered.service_id,
        "region_id": registered.region_id,
        "resource_name": registered.resource_name,
        "project_id": row.project_id,
        "domain_id": row.domain_id,
        "resource_limit": row.resource_limit,
        "description": row.description,
        "links": self_link(call, "limits", row.id),
    }


def limits_of(
    call: Call, tx: Tx, identity: IdentityService, project_id: str
) -> list[dict[str, Any]]:
    """The limits of one project, as `include_limits` shows them beside it."""
    limits = identity.limits
    rows = limits.listing.page(tx, where={"project_id": project_id})
    return [
        limit_body(call, row, limits.get_registered(tx, row.registered_limit_id)) for row in rows
    ]


class LimitsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._limits = identity.limits

    def operations(self) -> list[Operation]:
        registered, limits = "/v3/registered_limits", "/v3/limits"

        def of(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"identity:{rule}", **more)

        return [
            of("GET", registered, self.index_registered, "list_registered_limits"),
            of(
                "POST",
                registered,
                self.register,
                "create_registered_limits",
                body=RegisteredLimitsBody,
                status=201,
            ),
            of("GET", registered + "/{id}", self.show_registered, "get_registered_limit"),
            of(
                "PATCH",
                registered + "/{id}",
                self.update_registered,
                "update_registered_limit",
                body=RegisteredLimitBody,
            ),
            of(
                "DELETE",
                registered + "/{id}",
                self.delete_registered,
                "delete_registered_limit",
                status=204,
            ),
            of("GET", limits + "/model", self.model, "get_limit_model"),
            of("GET", limits, self.index, "list_limits"),
            of("POST", limits, self.create, "create_limits", body=LimitsBody, status=201),
            of("GET", limits + "/{id}", self.show, "get_limit", early=False),
            of("PATCH", limits + "/{id}", self.update, "update_limit", body=LimitBody),
            of("DELETE", limits + "/{id}", self.delete, "delete_limit", status=204),
        ]

    # Registered limits

    def index_registered(self, call: Call, tx: Tx) -> Any:
        where = filters(call, "service_id", "region_id", "resource_name")
        rows = self._limits.registered.page(tx, where=where)
        items = [registered_body(call, row) for row in rows]
        return listed(call, "registered_limits", matching(call, items))

    def register(self, call: Call, tx: Tx) -> Any:
        rows = self._limits.register(tx, call.body.registered_limits, call.principal)
        return {"registered_limits": [registered_body(call, row) for row in rows]}

    def show_registered(self, call: Call, tx: Tx) -> Any:
        row = self._limits.get_registered(tx, call.path["id"])
        return {"registered_limit": registered_body(call, row)}

    def update_registered(self, call: Call, tx: Tx) -> Any:
        changes = call.body.registered_limit
        row = self._limits.update_registered(tx, call.path["id"], changes, call.principal)
        return {"registered_limit": registered_body(call, row)}

    def delete_registered(self, call: Call, tx: Tx) -> None:
        self._limits.delete_registered(tx, call.path["id"], call.principal)

    # Limits

    def model(self, call: Call, tx: Tx) -> Any:
        name = self._limits.model
        return {"model": {"name": name, "description": MODELS[name]}}

    def index(self, call: Call, tx: Tx) -> Any:
        """Everything for the system's people, administrators and services; the domain's for a
        domain's; else one's own."""
        who = call.principal
        where = filters(call, "project_id", "domain_id")
        everything = who.system or not {"admin", "service"}.isdisjoint(who.roles)
        if not everything and who.domain_id is None:
            mine = who.project_id
            if mine is None or where.setdefault("project_id", mine) != mine:
                return listed(call, "limits", [])
        rows = self._limits.listing.page(tx, where=where)
        if who.domain_id is not None and not everything:
            rows = [row for row in rows if _domain_of(tx, row) == who.domain_id]
        items = [self._body(call, tx, row) for row in rows]
        wanted = filters(call, "service_id", "region_id", "resource_name")
        items = [item for item in items if all(item[k] == v for k, v in wanted.items())]
        return listed(call, "limits", matching(call, items))

    def _body(self, call: Call, tx: Tx, row: LimitRow) -> dict[str, Any]:
        return limit_body(call, row, self._limits.get_registered(tx, row.registered_limit_id))

    def create(self, call: Call, tx: Tx) -> Any:
        rows = self._limits.create(tx, call.body.limits, call.principal)
        return {"limits": [self._body(call, tx, row) for row in rows]}

    def show(self, call: Call, tx: Tx) -> Any:
        found = tx.get(LimitRow, call.path["id"])
        target: dict[str, Any] = {}
        if found is not None and found.project_id is not None:
            target["target.limit.project_id"] = found.project_id
            target["target.limit.project.domain_id"] = _domain_of(tx, found)
        elif found is not None:
            target["target.limit.domain.id"] = found.domain_id
        call.allow(target)
        return {"limit": self._body(call, tx, self._limits.get(tx, call.path["id"]))}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._limits.update(tx, call.path["id"], call.body.limit, call.principal)
        return {"limit": self._body(call, tx, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._limits.delete(tx, call.path["id"], call.principal)


def _domain_of(tx: Tx, row: LimitRow) -> str | None:
    """The domain that the limit is in."""
    if row.project_id is None:
        return row.domain_id
    project = tx.get(ProjectRow, row.project_id)
    return project.domain_id if project is not None else None
