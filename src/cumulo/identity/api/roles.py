"""Roles on the wire, and which roles imply which: identity API v3, `roles`."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.model.role import NO_DOMAIN, RoleRow
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


def role_target(row: RoleRow) -> dict[str, Any]:
    """`None` is a word of the policy language: the role of no domain."""
    return {"target.role.name": row.name, "target.role.domain_id": row.domain_id or "None"}


def _short(call: Call, row: RoleRow) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "links": self_link(call, "roles", row.id)}


class RolesApi:
    def __init__(self, identity: IdentityService) -> None:
        self._roles = identity.roles

    def operations(self) -> list[Operation]:
        many, one = "/v3/roles", "/v3/roles/{role_id}"
        each = one + "/implies/{implied_id}"
        create, update = "identity:create_role", "identity:update_role"
        implied = "identity:{}_implied_role"
        return [
            Operation("GET", many, self.index, policy="identity:list_roles", early=False),
            Operation(
                "POST", many, self.create, policy=create, early=False, body=Wrapped, status=201
            ),
            Operation("GET", one, self.show, policy="identity:get_role", early=False),
            Operation("PATCH", one, self.update, policy=update, early=False, body=Wrapped),
            Operation(
                "DELETE", one, self.delete, policy="identity:delete_role", early=False, status=204
            ),
            Operation(
                "GET",
                one + "/implies",
                self.implied,
                policy="identity:list_implied_roles",
            ),
            Operation("PUT", each, self.imply, policy=implied.format("create"), status=201),
            Operation("GET", each, self.show_implied, policy=implied.format("get")),
            Operation("HEAD", each, self.check_implied, policy=implied.format("check"), status=204),
            Operation(
                "DELETE", each, self.stop_implying, policy=implied.format("delete"), status=204
            ),
            Operation(
                "GET",
                "/v3/role_inferences",
                self.inferences,
                policy="identity:list_role_inference_rules",
            ),
        ]

    def _allow(self, call: Call, verb: str, row: RoleRow) -> None:
        """A domain's own roles have rules of their own."""
        noun = "domain_role" if row.domain_id else "role"
        call.allow(role_target(row), f"identity:{verb}_{noun}")

    def index(self, call: Call, tx: Tx) -> Any:
        domain_id = call.query.get("domain_id") or NO_DOMAIN
        call.allow({}, "identity:list_domain_roles" if domain_id else None)
        where = {**filters(call, "name"), "domain_id": domain_id}
        items = [role_body(call, row) for row in self._roles.listing.page(tx, where=where)]
        return listed(call, "roles", matching(call, items))

    def create(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "role")
        call.allow({}, "identity:create_domain_role" if wishes.get("domain_id") else None)
        row = self._roles.create(tx, wishes, call.principal)
        return {"role": role_body(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._roles.get(tx, call.path["role_id"])
        self._allow(call, "get", row)
        return {"role": role_body(call, row)}

    def update(self, call: Call, tx: Tx) -> Any:
        self._allow(call, "update", self._roles.get(tx, call.path["role_id"]))
        wishes = unwrapped(call, "role")
        row = self._roles.update(tx, call.path["role_id"], wishes, call.principal)
        return {"role": role_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._allow(call, "delete", self._roles.get(tx, call.path["role_id"]))
        self._roles.delete(tx, call.path["role_id"], call.principal)

    def implied(self, call: Call, tx: Tx) -> Any:
        prior = self._roles.get(tx, call.path["role_id"])
        rows = self._roles.implied_by(tx, prior.id)
        return {"role_inference": _rule(call, prior, rows), "links": {"self": call.url}}

    def imply(self, call: Call, tx: Tx) -> Any:
        prior = self._roles.get(tx, call.path["role_id"])
        implied = self._roles.get(tx, call.path["implied_id"])
        self._roles.imply(tx, prior, implied, call.principal)
        return self._pair(call, prior, implied)

    def show_implied(self, call: Call, tx: Tx) -> Any:
        path = call.path
        return self._pair(call, *self._roles.check_implied(tx, path["role_id"], path["implied_id"]))

    def _pair(self, call: Call, prior: RoleRow, implied: RoleRow) -> Any:
        rule = {"prior_role": _short(call, prior), "implies": _short(call, implied)}
        return {"role_inference": rule, "links": {"self": call.url}}

    def check_implied(self, call: Call, tx: Tx) -> None:
        self._roles.check_implied(tx, call.path["role_id"], call.path["implied_id"])

    def stop_implying(self, call: Call, tx: Tx) -> None:
        path = call.path
        self._roles.stop_implying(tx, path["role_id"], path["implied_id"], call.principal)

    def inferences(self, call: Call, tx: Tx) -> Any:
        rules = [_rule(call, prior, rows) for prior, rows in self._roles.inferences(tx)]
        return {"role_inferences": rules, "links": {"self": call.url}}


def _rule(call: Call, prior: RoleRow, implied: list[RoleRow]) -> dict[str, Any]:
    return {
        "prior_role": _short(call, prior),
        "implies": [_short(call, row) for row in implied],
    }
