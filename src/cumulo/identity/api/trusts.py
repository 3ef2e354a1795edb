"""Trusts on the wire: identity API v3, `OS-TRUST/trusts`."""

from typing import Any

import msgspec

from cumulo.core.clock import zulu_micro
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import filters, listed, matching
from cumulo.identity.api.roles import role_body
from cumulo.identity.model.role import RoleRow
from cumulo.identity.model.trust import TrustRow
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.trusts import TrustWishes


class CreateTrust(msgspec.Struct):
    trust: TrustWishes


def _target(row: TrustRow) -> dict[str, Any]:
    return {
        "target.trust.trustor_user_id": row.trustor_user_id,
        "target.trust.trustee_user_id": row.trustee_user_id,
    }


class TrustsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity
        self._trusts = identity.trusts

    def operations(self) -> list[Operation]:
        many = "/v3/OS-TRUST/trusts"
        one = many + "/{trust_id}"
        roles = one + "/roles"
        role = roles + "/{role_id}"
        return [
            Operation("GET", many, self.index, policy="identity:list_trusts", early=False),
            Operation(
                "POST",
                many,
                self.create,
                policy="identity:create_trust",
                early=False,
                body=CreateTrust,
                status=201,
            ),
            Operation("GET", one, self.show, policy="identity:get_trust", early=False),
            Operation(
                "DELETE",
                one,
                self.delete,
                policy="identity:delete_trust",
                early=False,
                status=204,
            ),
            Operation(
                "GET", roles, self.roles, policy="identity:list_roles_for_trust", early=False
            ),
            Operation("GET", role, self.role, policy="identity:get_role_for_trust", early=False),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        self._trusts.check_may_manage(call.principal)
        where = filters(call, "trustor_user_id", "trustee_user_id")
        target = {f"target.trust.{name}": value for name, value in where.items()}
        if "trustor_user_id" in where:
            call.allow(target, "identity:list_trusts_for_trustor")
        elif "trustee_user_id" in where:
            call.allow(target, "identity:list_trusts_for_trustee")
        else:
            call.allow()
        rows = self._trusts.listing.page(tx, where=where)
        return listed(call, "trusts", matching(call, [self._body(call, row) for row in rows]))

    def create(self, call: Call, tx: Tx) -> Any:
        wanted: TrustWishes = call.body.trust
        call.allow({"trust.trustor_user_id": wanted.trustor_user_id})
        row = self._trusts.create(tx, wanted, call.principal)
        return {"trust": self._whole(call, tx, row)}

    def _row(self, call: Call, tx: Tx) -> TrustRow:
        self._trusts.check_may_manage(call.principal)
        row = self._trusts.get(tx, call.path["trust_id"])
        call.allow(_target(row))
        return row

    def show(self, call: Call, tx: Tx) -> Any:
        return {"trust": self._whole(call, tx, self._row(call, tx))}

    def delete(self, call: Call, tx: Tx) -> None:
        self._trusts.delete(tx, self._row(call, tx), call.principal)
        tx.after_commit(self._identity.tokens.forget_all)

    def _lent(self, tx: Tx, row: TrustRow) -> list[RoleRow]:
        roles = self._identity.roles
        return [roles.get(tx, id) for id in row.role_ids if roles.exists(tx, id)]

    def roles(self, call: Call, tx: Tx) -> Any:
        row = self._row(call, tx)
        return listed(call, "roles", [role_body(call, role) for role in self._lent(tx, row)])

    def role(self, call: Call, tx: Tx) -> Any:
        row = self._row(call, tx)
        for role in self._lent(tx, row):
            if role.id == call.path["role_id"]:
                return {"role": role_body(call, role)}
        raise NotFound(f"Could not find role: {call.path['role_id']}.")

    def _body(self, call: Call, row: TrustRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "trustor_user_id": row.trustor_user_id,
            "trustee_user_id": row.trustee_user_id,
            "project_id": row.project_id,
            "impersonation": row.impersonation,
            "expires_at": None if row.expires_at is None else zulu_micro(row.expires_at),
            "remaining_uses": row.remaining_uses,
            "redelegated_trust_id": row.redelegated_trust_id,
            "redelegation_count": row.redelegation_count,
            "deleted_at": None,
            "links": {"self": f"{call.base_url}/v3/OS-TRUST/trusts/{row.id}"},
        }

    def _whole(self, call: Call, tx: Tx, row: TrustRow) -> dict[str, Any]:
        link = f"{call.base_url}/v3/OS-TRUST/trusts/{row.id}/roles"
        return {
            **self._body(call, row),
            "roles": [role_body(call, role) for role in self._lent(tx, row)],
            "roles_links": {"self": link, "next": None, "previous": None},
        }
