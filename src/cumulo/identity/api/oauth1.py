"""OAuth 1.0a on the wire: identity API v3, `OS-OAUTH1`."""

import hmac
from typing import Annotated, Any

import msgspec

from cumulo.core.clock import zulu_micro
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.identity.api.envelope import listed, matching
from cumulo.identity.api.roles import role_body
from cumulo.identity.api.tokens import whole_url
from cumulo.identity.model.oauth1 import AccessTokenRow, ConsumerRow, RequestTokenRow
from cumulo.identity.service import signed_requests
from cumulo.identity.service.authentication.method import refused
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.lent import refuse_lent
from cumulo.identity.service.once import use_once
from cumulo.identity.service.signed_requests import Signed
from cumulo.identity.service.trusts import WantedRole

FORM = "application/x-www-form-urlencoded"


class ConsumerBody(msgspec.Struct):
    consumer: dict[str, Any] = {}


class AuthorizeBody(msgspec.Struct):
    roles: Annotated[list[WantedRole], msgspec.Meta(min_length=1, max_length=200)]


class OAuth1Api:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity
        self._oauth1 = identity.oauth1

    def operations(self) -> list[Operation]:
        base = "/v3/OS-OAUTH1"
        one = base + "/consumers/{consumer_id}"
        return [
            Operation("GET", base + "/consumers", self.index, policy="identity:list_consumers"),
            Operation(
                "POST",
                base + "/consumers",
                self.create,
                policy="identity:create_consumer",
                body=ConsumerBody,
                status=201,
            ),
            Operation("GET", one, self.show, policy="identity:get_consumer"),
            Operation(
                "PATCH", one, self.update, policy="identity:update_consumer", body=ConsumerBody
            ),
            Operation("DELETE", one, self.delete, policy="identity:delete_consumer", status=204),
            Operation("POST", base + "/request_token", self.request_token, public=True, status=201),
            Operation(
                "PUT",
                base + "/authorize/{request_token_id}",
                self.authorize,
                policy="identity:authorize_request_token",
                body=AuthorizeBody,
            ),
            Operation("POST", base + "/access_token", self.access_token, public=True, status=201),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        rows = self._oauth1.consumers.page(tx, where={})
        return listed(call, "consumers", matching(call, [_consumer(call, row) for row in rows]))

    def create(self, call: Call, tx: Tx) -> Any:
        row, secret = self._oauth1.create_consumer(tx, call.body.consumer, call.principal)
        return {"consumer": {**_consumer(call, row), "secret": secret}}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"consumer": _consumer(call, self._oauth1.consumer(tx, call.path["consumer_id"]))}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._oauth1.update_consumer(
            tx, call.path["consumer_id"], call.body.consumer, call.principal
        )
        return {"consumer": _consumer(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._oauth1.delete_consumer(tx, call.path["consumer_id"], call.principal)
        tx.after_commit(self._identity.tokens.forget_all)

    def request_token(self, call: Call, tx: Tx) -> Reply:
        """Asked for by a consumer with its signature; the project is in a header."""
        signed = self._read(call)
        project_id = call.header("Requested-Project-Id")
        if not project_id:
            raise BadRequest("Expecting to find Requested-Project-Id in request.")
        consumer = self._oauth1.consumer(tx, signed.consumer_id)
        self._check(call, tx, signed, self._oauth1.secret(consumer), None)
        row, secret = self._oauth1.create_request_token(tx, consumer.id, project_id)
        return _form(row, secret)

    def authorize(self, call: Call, tx: Tx) -> Any:
        wanted: list[WantedRole] = call.body.roles
        verifier = self._oauth1.authorize(tx, call.path["request_token_id"], wanted, call.principal)
        return {"token": {"oauth_verifier": verifier}}

    def access_token(self, call: Call, tx: Tx) -> Reply:
        signed = self._read(call)
        for name, value in (("token", signed.token_id), ("verifier", signed.verifier)):
            if not value:
                raise BadRequest(f"Expecting to find oauth_{name} in request.")
        request = self._oauth1.request_token(tx, signed.token_id)
        known = (request.verifier or "").encode()
        said = signed.verifier.encode(errors="surrogatepass")
        if request.consumer_id != signed.consumer_id or not hmac.compare_digest(known, said):
            raise refused()
        consumer = self._oauth1.consumer(tx, signed.consumer_id)
        secrets = self._oauth1.secret(consumer), self._oauth1.secret(request)
        self._check(call, tx, signed, *secrets)
        row, secret = self._oauth1.create_access_token(tx, request)
        return _form(row, secret)

    def _read(self, call: Call) -> Signed:
        return signed_requests.read(call.header("Authorization") or "")

    def _check(
        self, call: Call, tx: Tx, signed: Signed, secret: str, token_secret: str | None
    ) -> None:
        authorization = call.header("Authorization") or ""
        signed_requests.check(signed, whole_url(call), authorization, secret, token_secret)
        if not use_once(tx, signed.once):
            raise refused()


class AccessTokensApi:
    """The access tokens that a user has given out."""

    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity
        self._oauth1 = identity.oauth1

    def operations(self) -> list[Operation]:
        many = "/v3/users/{user_id}/OS-OAUTH1/access_tokens"
        one = many + "/{access_token_id}"
        return [
            Operation("GET", many, self.index, policy="identity:list_access_tokens"),
            Operation("GET", one, self.show, policy="identity:get_access_token"),
            Operation(
                "DELETE", one, self.delete, policy="identity:delete_access_token", status=204
            ),
            Operation("GET", one + "/roles", self.roles, policy="identity:list_access_token_roles"),
            Operation(
                "GET",
                one + "/roles/{role_id}",
                self.role,
                policy="identity:get_access_token_role",
            ),
        ]

    def _row(self, call: Call, tx: Tx) -> AccessTokenRow:
        refuse_lent(call.principal, "managing access tokens")
        return self._oauth1.access_token(tx, call.path["user_id"], call.path["access_token_id"])

    def index(self, call: Call, tx: Tx) -> Any:
        refuse_lent(call.principal, "managing access tokens")
        rows = self._oauth1.access_tokens.page(tx, where={"user_id": call.path["user_id"]})
        return listed(call, "access_tokens", [_access_token(call, row) for row in rows])

    def show(self, call: Call, tx: Tx) -> Any:
        return {"access_token": _access_token(call, self._row(call, tx))}

    def delete(self, call: Call, tx: Tx) -> None:
        self._oauth1.delete_access_token(tx, self._row(call, tx), call.principal)
        tx.after_commit(self._identity.tokens.forget_all)

    def _roles(self, call: Call, tx: Tx) -> list[dict[str, Any]]:
        roles = self._identity.roles
        row = self._row(call, tx)
        found = [roles.get(tx, id) for id in row.role_ids if roles.exists(tx, id)]
        return [role_body(call, role) for role in found]

    def roles(self, call: Call, tx: Tx) -> Any:
        return listed(call, "roles", self._roles(call, tx))

    def role(self, call: Call, tx: Tx) -> Any:
        for role in self._roles(call, tx):
            if role["id"] == call.path["role_id"]:
                return {"role": role}
        raise NotFound(f"Could not find role: {call.path['role_id']}.")


def _consumer(call: Call, row: ConsumerRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "description": row.description,
        "links": {"self": f"{call.base_url}/v3/OS-OAUTH1/consumers/{row.id}"},
    }


def _access_token(call: Call, row: AccessTokenRow) -> dict[str, Any]:
    link = f"{call.base_url}/v3/users/{row.user_id}/OS-OAUTH1/access_tokens/{row.id}"
    return {
        "id": row.id,
        "consumer_id": row.consumer_id,
        "authorizing_user_id": row.user_id,
        "project_id": row.project_id,
        "expires_at": zulu_micro(row.expires_at),
        "links": {"self": link, "roles": link + "/roles"},
    }


def _form(row: RequestTokenRow | AccessTokenRow, secret: str) -> Reply:
    body = (
        f"oauth_token={row.id}&oauth_token_secret={secret}"
        f"&oauth_expires_at={zulu_micro(row.expires_at)}"
    )
    return Reply(201, raw=body.encode(), content_type=FORM)
