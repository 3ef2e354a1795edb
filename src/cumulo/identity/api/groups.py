"""Groups and their members on the wire: identity API v3, `groups`, `users/{id}/groups`."""

import functools
from typing import Any

from cumulo.core.clock import zulu_micro
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import (
    Wrapped,
    filters,
    home_domain,
    listed,
    matching,
    own_domain,
    page,
    self_link,
    unwrapped,
)
from cumulo.identity.api.users import user_body, user_target
from cumulo.identity.model.group import GroupRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService


def group_body(call: Call, row: GroupRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id,
        "description": row.description,
        "links": self_link(call, "groups", row.id),
    }


def group_target(row: GroupRow) -> dict[str, Any]:
    return {"target.group.id": row.id, "target.group.domain_id": row.domain_id}


class GroupsApi:
    def __init__(self, identity: IdentityService, database: Database) -> None:
        self._identity = identity
        self._database = database
        self._groups = identity.groups
        self._users = identity.users

    def operations(self) -> list[Operation]:
        many, one = "/v3/groups", "/v3/groups/{group_id}"
        member = one + "/users/{user_id}"

        def of(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"identity:{rule}", early=False, **more)

        return [
            of("GET", many, self.index, "list_groups", kind="stream"),
            of("GET", many, self.known, "list_groups", query="known"),
            of("POST", many, self.create, "create_group", body=Wrapped, status=201),
            of("GET", one, self.show, "get_group"),
            of("PATCH", one, self.update, "update_group", body=Wrapped),
            of("DELETE", one, self.delete, "delete_group", status=204),
            of("GET", one + "/users", self.users, "list_users_in_group"),
            of("PUT", member, self.add, "add_user_to_group", status=204),
            of("GET", member, self.check, "check_user_in_group", status=204),
            of("HEAD", member, self.check, "check_user_in_group", status=204),
            of("DELETE", member, self.remove, "remove_user_from_group", status=204),
            of("GET", "/v3/users/{user_id}/groups", self.of_user, "list_groups_for_user"),
        ]

    async def index(self, call: Call) -> Any:
        """A directory that was just configured is waited for."""
        await self._identity.directories.settle(
            call.query.get("domain_id") or call.principal.domain_id
        )
        # All groups of a directory are many: not on the loop, unless a page is asked for.
        read = self._database.read if call.query.get("limit") else self._database.study
        return await read(functools.partial(self._index, call))

    def known(self, call: Call, tx: Tx) -> Any:
        """Those of a name that are known now, as with users."""
        if not call.query.get("name"):
            raise BadRequest("known takes a name")
        return self._index(call, tx)

    def _index(self, call: Call, tx: Tx) -> Any:
        call.allow({"target.group.domain_id": call.principal.domain_id})
        where = filters(call, "name", "domain_id")
        mine = call.principal.domain_id
        if mine is not None and where.setdefault("domain_id", mine) != mine:
            return listed(call, "groups", [])
        listing = self._groups.listing
        return page(call, tx, "groups", listing, where, lambda row: group_body(call, row))

    def create(self, call: Call, tx: Tx) -> Any:
        wishes, home = unwrapped(call, "group"), home_domain(call)
        call.allow({"target.group.domain_id": wishes.get("domain_id") or home})
        row = self._groups.create(tx, wishes, call.principal, home)
        return {"group": group_body(call, row)}

    def _allowed(self, call: Call, tx: Tx) -> GroupRow:
        """The group of the path. Who may not look is not told whether it is there."""
        row = tx.get(GroupRow, call.path["group_id"])
        call.allow(group_target(row) if row is not None else {})
        return self._groups.get(tx, call.path["group_id"])

    def show(self, call: Call, tx: Tx) -> Any:
        return {"group": group_body(call, self._allowed(call, tx))}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._allowed(call, tx)
        row = self._groups.update(tx, row.id, unwrapped(call, "group"), call.principal)
        return {"group": group_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        # The real service tells everybody here that a group is not there.
        row = self._groups.get(tx, call.path["group_id"])
        call.allow(group_target(row))
        self._groups.delete(tx, row.id, call.principal)

    def users(self, call: Call, tx: Tx) -> Any:
        row = self._allowed(call, tx)
        wanted = filters(call, "name", "domain_id", "enabled", "email")
        items = [user_body(call, user) for user in self._groups.users_of(tx, row.id)]
        items = [item for item in items if all(item.get(k) == v for k, v in wanted.items())]
        return listed(call, "users", matching(call, own_domain(call, items)))

    def _member(self, call: Call, tx: Tx) -> tuple[str, str]:
        """(group id, user id) of the path; 403 before 404."""
        group = tx.get(GroupRow, call.path["group_id"])
        user = tx.get(UserRow, call.path["user_id"])
        call.allow(
            {
                "target.group.domain_id": group.domain_id if group is not None else None,
                "target.user.domain_id": user.domain_id if user is not None else None,
            }
        )
        return call.path["group_id"], call.path["user_id"]

    def add(self, call: Call, tx: Tx) -> None:
        self._groups.add_user(tx, *self._member(call, tx), call.principal)

    def check(self, call: Call, tx: Tx) -> None:
        self._groups.check_user(tx, *self._member(call, tx))

    def remove(self, call: Call, tx: Tx) -> None:
        self._groups.remove_user(tx, *self._member(call, tx), call.principal)

    def of_user(self, call: Call, tx: Tx) -> Any:
        found = tx.get(UserRow, call.path["user_id"])
        call.allow(user_target(found) if found is not None else {})
        user = self._users.get(tx, call.path["user_id"])
        wanted = filters(call, "name")
        memberships = self._groups.memberships(tx, user.id)
        items = []
        for row in self._groups.of_user(tx, user.id):
            ends = memberships[row.id].expires
            items.append(
                group_body(call, row)
                | {"membership_expires_at": None if ends is None else zulu_micro(ends)}
            )
        items = [item for item in items if all(item.get(k) == v for k, v in wanted.items())]
        return listed(call, "groups", matching(call, own_domain(call, items)))
