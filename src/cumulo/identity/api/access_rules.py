"""Access rules on the wire: identity API v3, `users/{id}/access_rules`."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import filters, listed, matching
from cumulo.identity.model.application_credential import AccessRuleRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService


def access_rule_body(row: AccessRuleRow) -> dict[str, Any]:
    return {"id": row.id, "service": row.service, "method": row.method, "path": row.path}


class AccessRulesApi:
    def __init__(self, identity: IdentityService) -> None:
        self._credentials = identity.application_credentials

    def operations(self) -> list[Operation]:
        many = "/v3/users/{user_id}/access_rules"
        one = many + "/{access_rule_id}"
        return [
            Operation("GET", many, self.index, policy="identity:list_access_rules", early=False),
            Operation("GET", one, self.show, policy="identity:get_access_rule", early=False),
            Operation(
                "DELETE",
                one,
                self.delete,
                policy="identity:delete_access_rule",
                early=False,
                status=204,
            ),
        ]

    def _owner(self, call: Call, tx: Tx) -> str:
        user_id = call.path["user_id"]
        call.allow({"target.user.id": user_id})
        self._credentials.check_may_manage(call.principal)
        if tx.get(UserRow, user_id) is None:
            raise NotFound(f"Could not find user: {user_id}.")
        return user_id

    def index(self, call: Call, tx: Tx) -> Any:
        where = {**filters(call, "service", "path", "method"), "user_id": self._owner(call, tx)}
        rows = self._credentials.rules_listing.page(tx, where=where)
        items = [self._linked(call, row) for row in rows]
        return listed(call, "access_rules", matching(call, items))

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._credentials.rule(tx, self._owner(call, tx), call.path["access_rule_id"])
        return {"access_rule": self._linked(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        row = self._credentials.rule(tx, self._owner(call, tx), call.path["access_rule_id"])
        self._credentials.delete_rule(tx, row, call.principal)

    def _linked(self, call: Call, row: AccessRuleRow) -> dict[str, Any]:
        link = f"{call.base_url}/v3/users/{row.user_id}/access_rules/{row.id}"
        return {**access_rule_body(row), "links": {"self": link}}
