"""Credentials on the wire: identity API v3, `credentials` and `users/{id}/credentials/OS-EC2`."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.model.credential import EC2, CredentialRow
from cumulo.identity.service.credentials import hashed
from cumulo.identity.service.identity import IdentityService


class Ec2Wishes(msgspec.Struct):
    tenant_id: str


def _target(user_id: object) -> dict[str, Any]:
    return {"target.credential.user_id": user_id, "user_id": user_id}


class CredentialsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._credentials = identity.credentials
        self._users = identity.users

    def operations(self) -> list[Operation]:
        many, one = "/v3/credentials", "/v3/credentials/{credential_id}"
        keys = "/v3/users/{user_id}/credentials/OS-EC2"
        key = keys + "/{access}"

        def of(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"identity:{rule}", early=False, **more)

        return [
            of("GET", many, self.index, "list_credentials"),
            of("POST", many, self.create, "create_credential", body=Wrapped, status=201),
            of("GET", one, self.show, "get_credential"),
            of("PATCH", one, self.update, "update_credential", body=Wrapped),
            of("DELETE", one, self.delete, "delete_credential", status=204),
            of("GET", keys, self.keys, "ec2_list_credentials"),
            of("POST", keys, self.make_key, "ec2_create_credential", body=Ec2Wishes, status=201),
            of("GET", key, self.show_key, "ec2_get_credential"),
            of("DELETE", key, self.delete_key, "ec2_delete_credential", status=204),
        ]

    def _body(self, call: Call, row: CredentialRow) -> dict[str, Any]:
        return {
            **row.extra,
            "id": row.id,
            "user_id": row.user_id,
            "project_id": row.project_id,
            "type": row.type,
            "blob": self._credentials.blob(row),
            "links": self_link(call, "credentials", row.id),
        }

    def index(self, call: Call, tx: Tx) -> Any:
        """Those that the caller may see, each by the rule for seeing one."""
        call.allow(_target(call.principal.user_id))
        rows = self._credentials.listing.page(tx, where=filters(call, "user_id", "type"))
        rule = "identity:get_credential"
        seen = [row for row in rows if call.allowed(rule, _target(row.user_id))]
        seen = [row for row in seen if self._credentials.may_handle(call.principal, row)]
        items = [self._body(call, row) for row in seen]
        return listed(call, "credentials", matching(call, items))

    def create(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "credential")
        call.allow(_target(wishes.get("user_id")))
        row = self._credentials.create(tx, wishes, call.principal)
        return {"credential": self._body(call, row)}

    def _found(self, call: Call, tx: Tx) -> CredentialRow:
        """Who may not look is not told whether it is there."""
        row = tx.get(CredentialRow, call.path["credential_id"])
        call.allow(_target(row.user_id) if row is not None else {})
        found = self._credentials.get(tx, call.path["credential_id"])
        self._credentials.check_may_handle(call.principal, found)
        return found

    def show(self, call: Call, tx: Tx) -> Any:
        return {"credential": self._body(call, self._found(call, tx))}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        wishes = unwrapped(call, "credential")
        # Nobody gives a credential to somebody that it could not have been made for.
        call.allow(_target(wishes.get("user_id", row.user_id)))
        row = self._credentials.update(tx, row, wishes, call.principal)
        return {"credential": self._body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._credentials.delete(tx, self._found(call, tx), call.principal)

    # EC2

    def _key_body(self, call: Call, row: CredentialRow) -> dict[str, Any]:
        blob = msgspec.json.decode(self._credentials.blob(row))
        access = blob["access"]
        return {
            "user_id": row.user_id,
            "tenant_id": row.project_id,
            "access": access,
            "secret": blob.get("secret"),
            "trust_id": blob.get("trust_id"),
            "links": self_link(call, f"users/{row.user_id}/credentials/OS-EC2", access),
        }

    def keys(self, call: Call, tx: Tx) -> Any:
        user_id = call.path["user_id"]
        call.allow(_target(user_id))
        self._users.get(tx, user_id)
        rows = self._credentials.listing.page(tx, where={"user_id": user_id, "type": EC2})
        rows = [row for row in rows if self._credentials.may_handle(call.principal, row)]
        return listed(call, "credentials", [self._key_body(call, row) for row in rows])

    def make_key(self, call: Call, tx: Tx) -> Any:
        user_id = call.path["user_id"]
        call.allow(_target(user_id))
        row = self._credentials.create_ec2(tx, user_id, call.body.tenant_id, call.principal)
        return {"credential": self._key_body(call, row)}

    def _found_key(self, call: Call, tx: Tx) -> CredentialRow:
        """The rule looks at the credential's owner, whatever user the path names. An access key
        is no name that can be guessed: that there is none may be told to everybody."""
        row = tx.get(CredentialRow, hashed(call.path["access"]))
        missing = NotFound(f"Could not find credential: {call.path['access']}.")
        if row is None or row.type != EC2:
            raise missing
        call.allow(_target(row.user_id))
        self._credentials.check_may_handle(call.principal, row)
        self._users.get(tx, call.path["user_id"])
        return row

    def show_key(self, call: Call, tx: Tx) -> Any:
        return {"credential": self._key_body(call, self._found_key(call, tx))}

    def delete_key(self, call: Call, tx: Tx) -> None:
        self._credentials.delete(tx, self._found_key(call, tx), call.principal)
