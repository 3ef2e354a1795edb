"""Groups: create, update, delete, and who is in them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.group import GroupRow, MembershipRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import group as queries
from cumulo.identity.queries import role as roles
from cumulo.identity.service.extras import given, split
from cumulo.identity.service.read_only import (
    refuse_foreign,
    refuse_in_directory,
    refuse_membership,
)

GroupName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class GroupWishes(msgspec.Struct):
    name: GroupName | Unset = UNSET
    domain_id: str | Unset | None = UNSET
    description: str | Unset | None = UNSET


class Groups:
    listing = queries.GROUPS
    what = "memberships"

    def __init__(self, forget_tokens: Callable[[], None]) -> None:
        self._forget_tokens = forget_tokens

    def get(self, tx: Tx, group_id: str) -> GroupRow:
        found = tx.get(GroupRow, group_id)
        if found is None:
            raise NotFound(f"Could not find group: {group_id}.")
        return found

    def find(self, tx: Tx, name: str, domain_id: str) -> GroupRow | None:
        found = queries.GROUPS.page(tx, where={"name": name, "domain_id": domain_id})
        return found[0] if found else None

    def create(
        self,
        tx: Tx,
        wishes: Mapping[str, Any],
        who: Principal | None,
        default_domain: str = DEFAULT_DOMAIN_ID,
    ) -> GroupRow:
        wanted, extra = split(wishes, GroupWishes, "group")
        if wanted.name is UNSET:
            raise BadRequest("Invalid input for group: 'name' is a required property")
        domain_id = wanted.domain_id or default_domain
        if tx.get(DomainRow, domain_id) is None:
            raise NotFound(f"Could not find domain: {domain_id}.")
        if who is not None:
            refuse_in_directory(tx, domain_id)
        self._refuse_duplicate(tx, domain_id, wanted.name)
        row = GroupRow(new_hex(), wanted.name, domain_id, wanted.description or "", extra)
        tx.insert(row)
        emit(tx, "identity.group.create", row.id, principal=who, name=row.name)
        return row

    def _refuse_duplicate(self, tx: Tx, domain_id: str, name: str) -> None:
        if self.find(tx, name, domain_id) is not None:
            raise Conflict(
                "Conflict occurred attempting to store group - Duplicate entry found with name "
                f"{name} at domain ID {domain_id}."
            )

    def update(self, tx: Tx, group_id: str, wishes: Mapping[str, Any], who: Principal) -> GroupRow:
        row = self.get(tx, group_id)
        refuse_foreign(row)
        wanted, extra = split(wishes, GroupWishes, "group")
        if wanted.domain_id is not UNSET and wanted.domain_id != row.domain_id:
            raise BadRequest("Cannot change Domain ID.")
        if wanted.name is not UNSET and wanted.name != row.name:
            self._refuse_duplicate(tx, row.domain_id, wanted.name)
        changes = given(wanted, "name")
        if wanted.description is not UNSET:
            changes["description"] = wanted.description or ""
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.group.update", row.id, principal=who)
        return row

    def delete(self, tx: Tx, group_id: str, who: Principal) -> None:
        """With its memberships and all that was given to it."""
        row = self.get(tx, group_id)
        refuse_foreign(row)
        tx.run(roles.DROP_ACTOR, actor=row.id)
        tx.delete(row)
        emit(tx, "identity.group.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)

    def add_user(self, tx: Tx, group_id: str, user_id: str, who: Principal | None) -> None:
        """Nothing happens when the user is in the group."""
        refuse_membership(*self._both(tx, group_id, user_id))
        if tx.insert(MembershipRow(user_id, group_id), ignore_duplicate=True):
            emit(tx, "identity.group.add_user", group_id, principal=who, user=user_id)
            tx.after_commit(self._forget_tokens)

    def remove_user(self, tx: Tx, group_id: str, user_id: str, who: Principal) -> None:
        refuse_membership(*self._both(tx, group_id, user_id))
        self.check_user(tx, group_id, user_id)
        tx.delete(MembershipRow(user_id, group_id))
        emit(tx, "identity.group.remove_user", group_id, principal=who, user=user_id)
        tx.after_commit(self._forget_tokens)

    def check_user(self, tx: Tx, group_id: str, user_id: str) -> None:
        """404 for a user that is not in the group."""
        self._both(tx, group_id, user_id)
        if tx.get(MembershipRow, user_id, group_id) is None:
            raise NotFound(f"User '{user_id}' not found in group '{group_id}'.")

    def _both(self, tx: Tx, group_id: str, user_id: str) -> tuple[UserRow, GroupRow]:
        user = tx.get(UserRow, user_id)
        if user is None:
            raise NotFound(f"Could not find user: {user_id}.")
        return user, self.get(tx, group_id)

    def users_of(self, tx: Tx, group_id: str) -> list[UserRow]:
        return tx.all(queries.USERS_OF, group_id=group_id)

    def of_user(self, tx: Tx, user_id: str) -> list[GroupRow]:
        return tx.all(queries.OF_USER, user_id=user_id)

    def ids_of_user(self, tx: Tx, user_id: str) -> list[str]:
        return [group_id for (group_id,) in tx.tuples(queries.GROUP_IDS_OF, user_id=user_id)]

    def memberships(self, tx: Tx, user_id: str) -> dict[str, MembershipRow]:
        """By the group's id."""
        return {row.group_id: row for row in tx.all(queries.MEMBERSHIPS_OF, user_id=user_id)}

    def expired(self, tx: Tx, most: int) -> list[MembershipRow]:
        return tx.all(queries.EXPIRED, now=tx.now, most=most)

    def forget_expired(self, tx: Tx, row: MembershipRow) -> None:
        """Roles and tokens read memberships as they are: nothing else needs to know of the time."""
        tx.delete(row)
        emit(tx, "identity.group.remove_user", row.group_id, user_id=row.user_id, why="expired")
        tx.after_commit(self._forget_tokens)
