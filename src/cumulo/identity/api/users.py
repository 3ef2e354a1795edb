"""Users on the wire: identity API v3, `users`."""

import functools
from typing import Any

import msgspec

from cumulo.core.clock import zulu_micro
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import (
    Wrapped,
    filters,
    listed,
    matching,
    page,
    self_link,
    unwrapped,
)
from cumulo.identity.api.projects import project_body
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.trusts import moment_of


class PasswordChange(msgspec.Struct):
    original_password: str
    password: str


class ChangePassword(msgspec.Struct):
    user: PasswordChange


def user_body(call: Call, row: UserRow, *, enabled: bool | None = None) -> dict[str, Any]:
    """`enabled`: as the rules of inactivity see it, if they were asked."""
    ends = row.password_expires_at
    body = {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id,
        "enabled": row.enabled if enabled is None else enabled,
        "password_expires_at": None if ends is None else zulu_micro(ends),
        "options": row.options,
        "links": self_link(call, "users", row.id),
    }
    if row.default_project_id is not None:
        body["default_project_id"] = row.default_project_id
    if row.federated:
        body["federated"] = row.federated
    return body


def user_target(row: UserRow) -> dict[str, Any]:
    return {"target.user.id": row.id, "target.user.domain_id": row.domain_id, "user_id": row.id}


class UsersApi:
    def __init__(self, identity: IdentityService, database: Database) -> None:
        self._identity = identity
        self._users = identity.users
        self._database = database

    def operations(self) -> list[Operation]:
        one = "/v3/users/{user_id}"
        return [
            Operation(
                "GET",
                "/v3/users",
                self.index,
                policy="identity:list_users",
                early=False,
                kind="stream",
            ),
            Operation(
                "GET",
                "/v3/users",
                self.known,
                policy="identity:list_users",
                early=False,
                query="known",
            ),
            Operation(
                "POST",
                "/v3/users",
                self.create,
                policy="identity:create_user",
                early=False,
                body=Wrapped,
                status=201,
                kind="stream",
            ),
            Operation("GET", one, self.show, policy="identity:get_user", early=False),
            Operation(
                "PATCH",
                one,
                self.update,
                policy="identity:update_user",
                early=False,
                body=Wrapped,
                kind="stream",
            ),
            Operation(
                "DELETE", one, self.delete, policy="identity:delete_user", early=False, status=204
            ),
            Operation(
                "POST",
                one + "/password",
                self.change_password,
                public=True,
                body=ChangePassword,
                status=204,
                kind="stream",
            ),
            Operation(
                "GET",
                one + "/projects",
                self.projects,
                policy="identity:list_user_projects",
                early=False,
            ),
        ]

    async def index(self, call: Call) -> Any:
        """A directory that was just configured is waited for."""
        await self._identity.directories.settle(
            call.query.get("domain_id") or call.principal.domain_id
        )
        # All users of a directory are many: not on the loop, unless a page is asked for.
        read = self._database.read if call.query.get("limit") else self._database.study
        return await read(functools.partial(self._index, call))

    def known(self, call: Call, tx: Tx) -> Any:
        """Those of a name that are known now: for who asks inside of a transaction, where nobody
        can wait for a directory."""
        if not call.query.get("name"):
            raise BadRequest("known takes a name")
        return self._index(call, tx)

    def _index(self, call: Call, tx: Tx) -> Any:
        call.allow({"target.domain_id": call.query.get("domain_id") or call.principal.domain_id})
        where = {**filters(call, "name", "domain_id"), **_expiry_filters(call)}
        if call.principal.domain_id and not call.principal.is_admin:
            where["domain_id"] = call.principal.domain_id
        if not call.query.names() & {"enabled", "idp_id", "protocol_id", "unique_id"}:
            return page(
                call, tx, "users", self._users.listing, where, lambda row: self._body(call, row)
            )
        rows = [row for row in self._users.listing.page(tx, where=where) if _comes_from(call, row)]
        items = [self._body(call, row) for row in rows]
        wanted = filters(call, "enabled")
        if wanted:
            # Not by the column: inactivity disables too.
            items = [item for item in items if item["enabled"] is wanted["enabled"]]
        return listed(call, "users", matching(call, items))

    def _body(self, call: Call, row: UserRow) -> dict[str, Any]:
        return user_body(call, row, enabled=self._identity.accounts.is_enabled(row))

    async def create(self, call: Call) -> Any:
        wishes = unwrapped(call, "user")
        home = call.principal.domain_id or call.principal.project_domain_id or DEFAULT_DOMAIN_ID
        # Who administers one domain has to name it: the rule looks at the request alone.
        call.allow({"target.user.domain_id": wishes.get("domain_id")})
        hashed = await self._identity.accounts.hash_of(wishes.get("password"))

        def write(tx: Tx) -> UserRow:
            return self._users.create(tx, wishes, hashed, call.principal, home)

        row = await self._database.write(write, name="create user")
        return {"user": self._body(call, row)}

    def _allowed(self, call: Call, tx: Tx) -> UserRow:
        """The user of the path. Who may not look is not told whether it is there."""
        row = tx.get(UserRow, call.path["user_id"])
        call.allow(user_target(row) if row is not None else {})
        return self._users.get(tx, call.path["user_id"])

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._allowed(call, tx)
        return {"user": self._body(call, row)}

    async def update(self, call: Call) -> Any:
        wishes = unwrapped(call, "user")
        user_id = call.path["user_id"]
        await self._database.read(functools.partial(self._allowed, call))
        hashed = await self._identity.accounts.hash_of(wishes.get("password"))

        def write(tx: Tx) -> UserRow:
            return self._users.update(tx, user_id, wishes, hashed, call.principal)

        row = await self._database.write(write, name="update user")
        return {"user": self._body(call, row)}

    async def change_password(self, call: Call) -> None:
        """Proved by the old password, not by a token."""
        wanted: PasswordChange = call.body.user
        await self._identity.accounts.change_password(
            call.path["user_id"], wanted.original_password, wanted.password, call.address
        )

    def delete(self, call: Call, tx: Tx) -> None:
        row = self._allowed(call, tx)
        self._users.delete(tx, row.id, call.principal)

    def projects(self, call: Call, tx: Tx) -> Any:
        row = self._allowed(call, tx)
        ids = self._identity.roles.targets(tx, row.id, "project")
        found = self._identity.projects.listing.page(tx, where={"ids": ids})
        return listed(call, "projects", [project_body(call, project) for project in found])


OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")


def _expiry_filters(call: Call) -> dict[str, Any]:
    """`password_expires_at=lt:2026-12-01T00:00:00Z`; without an operator: equal."""
    found: dict[str, Any] = {}
    for text in call.query.all("password_expires_at"):
        operator, mark, moment = text.partition(":")
        if operator not in OPERATORS or not mark:
            operator, moment = "eq", text
        found[f"password_expires_{operator}"] = moment_of(moment, "password_expires_at")
    return found


def _comes_from(call: Call, row: UserRow) -> bool:
    """The filters for users of identity providers."""
    idp, protocol, unique = (call.query.get(n) for n in ("idp_id", "protocol_id", "unique_id"))
    if idp is None and protocol is None and unique is None:
        return True
    return any(
        idp in (None, origin["idp_id"])
        and protocol in (None, each["protocol_id"])
        and unique in (None, each["unique_id"])
        for origin in row.federated
        for each in origin["protocols"]
    )
