"""Application credentials on the wire: identity API v3, `users/{id}/application_credentials`."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.access_rules import access_rule_body
from cumulo.identity.api.envelope import filters, listed, matching
from cumulo.identity.model.application_credential import ApplicationCredentialRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.application_credentials import CredentialWishes, new_secret
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.lent import forbidden


class CreateCredential(msgspec.Struct):
    application_credential: CredentialWishes


class ApplicationCredentialsApi:
    def __init__(self, identity: IdentityService, database: Database) -> None:
        self._identity = identity
        self._credentials = identity.application_credentials
        self._database = database

    def operations(self) -> list[Operation]:
        many = "/v3/users/{user_id}/application_credentials"
        one = many + "/{credential_id}"
        return [
            Operation(
                "GET",
                many,
                self.index,
                policy="identity:list_application_credentials",
                early=False,
            ),
            Operation(
                "POST",
                many,
                self.create,
                policy="identity:create_application_credential",
                early=False,
                body=CreateCredential,
                status=201,
                kind="stream",
            ),
            Operation(
                "GET", one, self.show, policy="identity:get_application_credential", early=False
            ),
            Operation(
                "DELETE",
                one,
                self.delete,
                policy="identity:delete_application_credential",
                early=False,
                status=204,
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        user_id = call.path["user_id"]
        call.allow({"user_id": user_id})
        self._credentials.check_may_manage(call.principal)
        if tx.get(UserRow, user_id) is None:
            raise NotFound(f"Could not find user: {user_id}.")
        where = {**filters(call, "name"), "user_id": user_id}
        rows = self._credentials.listing.page(tx, where=where)
        items = [self._body(call, tx, row) for row in rows]
        return listed(call, "application_credentials", matching(call, items))

    async def create(self, call: Call) -> Any:
        user_id = call.path["user_id"]
        call.allow({"user_id": user_id})
        if call.principal.user_id != user_id:
            raise forbidden("Cannot create an application credential for another user.")
        self._credentials.check_may_manage(call.principal)
        wanted: CredentialWishes = call.body.application_credential
        secret = wanted.secret or new_secret()
        hashed = await self._identity.passwords.hash(secret)

        def write(tx: Tx) -> dict[str, Any]:
            row = self._credentials.create(tx, wanted, hashed, call.principal)
            return self._body(call, tx, row) | {"secret": secret}

        body = await self._database.write(write, name="create application credential")
        return {"application_credential": body}

    def _row(self, call: Call, tx: Tx) -> ApplicationCredentialRow:
        """The credential in the path; whose it is says the row, not the path."""
        user_id, credential_id = call.path["user_id"], call.path["credential_id"]
        row = tx.get(ApplicationCredentialRow, credential_id)
        call.allow({"user_id": user_id if row is None else row.user_id})
        return self._credentials.get(tx, user_id, credential_id)

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._row(call, tx)
        self._credentials.check_may_see(call.principal, row.id)
        return {"application_credential": self._body(call, tx, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        row = self._row(call, tx)
        self._credentials.check_may_manage(call.principal)
        self._credentials.delete(tx, row, call.principal)
        tx.after_commit(self._identity.tokens.forget_all)

    def _body(self, call: Call, tx: Tx, row: ApplicationCredentialRow) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "project_id": row.project_id,
            "roles": [
                {"id": id, "name": name, "domain_id": domain_id}
                for id, name, domain_id in self._credentials.roles_of(tx, row)
            ],
            # The one time in this API that says no zone.
            "expires_at": row.expires_at,
            "unrestricted": row.unrestricted,
            "links": {
                "self": f"{call.base_url}/v3/users/{row.user_id}/application_credentials/{row.id}"
            },
        }
        rules = self._credentials.rules_of(tx, row)
        if rules is not None:
            body["access_rules"] = [access_rule_body(rule) for rule in rules]
        return body
