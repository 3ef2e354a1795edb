"""What a directory says, written into rows: users, groups and who is in which.

All of it is idempotent, and each method is a part of a transaction. Nothing is lost by a mistake of
a directory's: a user that it no longer has is disabled and keeps its roles for `KEPT_DAYS`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.clock import Moment, later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.identity.model.directory import Origin, Person, Team, public_id
from cumulo.identity.model.group import GroupRow, MembershipRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import group as groups_queries
from cumulo.identity.queries import role as roles
from cumulo.identity.service.groups import Groups
from cumulo.identity.service.users import Users

KEPT_DAYS = 7
WHY = "directory"


class DirectoryRows:
    def __init__(
        self,
        users: Users,
        groups: Groups,
        revoked: Callable[[Tx, str], None],
        forget_tokens: Callable[[], None],
    ) -> None:
        """`revoked(tx, user_id)`: all tokens of the user end in this transaction."""
        self._users = users
        self._groups = groups
        self._revoked = revoked
        self._forget_tokens = forget_tokens

    # Users

    def keep_user(
        self, tx: Tx, domain_id: str, person: Person, *, looked_at: Moment | None = None
    ) -> UserRow | None:
        """The row of a user, made equal to what the directory says; None when its name belongs to
        somebody who lives here alone. `looked_at`: it is a login that says so."""
        id = public_id(domain_id, "user", person.local_id)
        row = tx.get(UserRow, id)
        if not self._free_name(tx, self._users.find(tx, person.name, domain_id), id):
            return None
        wanted = user_columns(person)
        if row is None:
            row = UserRow(
                id=id,
                domain_id=domain_id,
                password_hash=None,
                password_set_at=None,
                options={},
                revoked_before=0.0,
                created_at=tx.now,
                origin=Origin(person.local_id, person.dn, looked_at),
                **wanted,
            )
            tx.insert(row)
            emit(tx, "identity.user.create", id, name=row.name, why=WHY)
            return row
        if not user_differs(row, person):
            return row
        wanted["origin"] = Origin(person.local_id, person.dn, looked_at or _looked_at(row))
        return self._change_user(tx, row, wanted)

    def _change_user(self, tx: Tx, row: UserRow, wanted: dict[str, Any]) -> UserRow:
        if row.enabled and not wanted.get("enabled", True):
            wanted["revoked_before"] = seconds_of(tx.now)
            self._revoked(tx, row.id)
        row = tx.update(row, **wanted)
        emit(tx, "identity.user.update", row.id, why=WHY, enabled=row.enabled)
        tx.after_commit(self._forget_tokens)
        return row

    def miss_user(self, tx: Tx, row: UserRow, *, looked_at: Moment | None = None) -> None:
        """The directory does not have it (any more): disabled, and after a while forgotten."""
        origin = row.origin
        if origin is None:
            return
        if origin.missing_since is None:
            seen = looked_at or origin.looked_at
            gone = msgspec.structs.replace(origin, missing_since=tx.now, looked_at=seen)
            self._change_user(tx, row, {"enabled": False, "origin": gone})
        elif later(origin.missing_since, KEPT_DAYS * 86400.0) <= tx.now:
            self.forget_user(tx, row)

    def forget_user(self, tx: Tx, row: UserRow) -> None:
        tx.run(roles.DROP_ACTOR, actor=row.id)
        tx.delete(row)
        self._revoked(tx, row.id)
        emit(tx, "identity.user.delete", row.id, name=row.name, why=WHY)
        tx.after_commit(self._forget_tokens)

    # Groups

    def keep_group(self, tx: Tx, domain_id: str, team: Team) -> GroupRow | None:
        """The same for a group, without its members."""
        id = public_id(domain_id, "group", team.local_id)
        row = tx.get(GroupRow, id)
        if not self._free_name(tx, self._groups.find(tx, team.name, domain_id), id):
            return None
        origin = Origin(team.local_id, team.dn)
        if row is None:
            row = GroupRow(id, team.name, domain_id, team.description, {}, origin)
            tx.insert(row)
            emit(tx, "identity.group.create", id, name=row.name, why=WHY)
        elif group_differs(row, team):
            row = tx.update(row, name=team.name, description=team.description, origin=origin)
            emit(tx, "identity.group.update", id, why=WHY)
        return row

    def miss_group(self, tx: Tx, row: GroupRow) -> None:
        origin = row.origin
        if origin is None:
            return
        if origin.missing_since is None:
            gone = msgspec.structs.replace(origin, missing_since=tx.now)
            tx.update(row, origin=gone)
            emit(tx, "identity.group.update", row.id, why=WHY, missing=True)
        elif later(origin.missing_since, KEPT_DAYS * 86400.0) <= tx.now:
            self.forget_group(tx, row)

    def forget_group(self, tx: Tx, row: GroupRow) -> None:
        tx.run(roles.DROP_ACTOR, actor=row.id)
        tx.delete(row)
        emit(tx, "identity.group.delete", row.id, name=row.name, why=WHY)
        tx.after_commit(self._forget_tokens)

    def _free_name(self, tx: Tx, holder: UserRow | GroupRow | None, id: str) -> bool:
        """Whether a name can be this one's; who has it no longer in the directory steps aside."""
        if holder is None or holder.id == id:
            return True
        if holder.origin is None:
            return False
        # Names are unique in the directory too: the holder has another by now, or is gone, and
        # the same pass says so of it.
        tx.update(holder, name=f"{holder.name[:150]} {holder.id}")
        return True

    # Members

    def set_members(
        self, tx: Tx, group_id: str, add: Iterable[str], drop: Iterable[str], begun: Moment
    ) -> None:
        """Users by id; who was looked at since `begun` is left as the login found it."""
        for user_id in add:
            row = tx.get(UserRow, user_id)
            if row is not None and row.origin is not None and not looked_since(row, begun):
                self._join(tx, group_id, user_id)
        for user_id in drop:
            row = tx.get(UserRow, user_id)
            if row is None or not looked_since(row, begun):
                self._leave(tx, group_id, user_id)

    def set_groups(self, tx: Tx, user: UserRow, group_ids: set[str]) -> None:
        """A login: the user is in these groups of the directory, and in no other of it."""
        had = set(self._groups.ids_of_user(tx, user.id))
        for group_id in sorted(group_ids - had):
            self._join(tx, group_id, user.id)
        dropped = False
        for group_id in sorted(had - group_ids):
            row = tx.get(GroupRow, group_id)
            if row is not None and row.origin is not None:
                self._leave(tx, group_id, user.id)
                dropped = True
        if (group_ids - had or dropped) and user.origin is not None:
            tx.update(user, origin=msgspec.structs.replace(user.origin, looked_at=tx.now))

    def _join(self, tx: Tx, group_id: str, user_id: str) -> None:
        if tx.insert(MembershipRow(user_id, group_id), ignore_duplicate=True):
            emit(tx, "identity.group.add_user", group_id, user=user_id, why=WHY)
            tx.after_commit(self._forget_tokens)

    def _leave(self, tx: Tx, group_id: str, user_id: str) -> None:
        if tx.delete(MembershipRow(user_id, group_id)):
            emit(tx, "identity.group.remove_user", group_id, user=user_id, why=WHY)
            tx.after_commit(self._forget_tokens)

    def some_members(self, tx: Tx, group_ids: Sequence[str], most: int) -> list[tuple[str, str]]:
        """(group, user) by id."""
        found = tx.tuples(groups_queries.SOME_MEMBERS_OF_MANY, group_ids=group_ids, most=most)
        return [(group_id, user_id) for group_id, user_id in found]

    def members(self, tx: Tx, group_id: str, after: str, most: int) -> list[str]:
        """A page of the ids of a group's users, in their order."""
        found = tx.tuples(groups_queries.MEMBER_IDS, group_id=group_id, after=after, most=most)
        return [user_id for (user_id,) in found]


def user_columns(person: Person) -> dict[str, Any]:
    """What of a row the directory says."""
    return {
        "name": person.name,
        "enabled": person.enabled,
        "default_project_id": person.default_project_id,
        "extra": dict(person.extra),
    }


def user_differs(row: UserRow, person: Person) -> bool:
    wanted: Mapping[str, Any] = user_columns(person)
    return _origin_differs(row.origin, person) or any(
        getattr(row, name) != value for name, value in wanted.items()
    )


def group_differs(row: GroupRow, team: Team) -> bool:
    same = (row.name, row.description) == (team.name, team.description)
    return not same or _origin_differs(row.origin, team)


def _origin_differs(origin: Origin | None, entry: Person | Team) -> bool:
    return origin is None or origin.dn != entry.dn or origin.missing_since is not None


def _looked_at(row: UserRow) -> Moment | None:
    return None if row.origin is None else row.origin.looked_at


def looked_since(row: UserRow, begun: Moment) -> bool:
    """Whether a login knows more of this user than a list that was begun then."""
    looked_at = _looked_at(row)
    return looked_at is not None and looked_at >= begun
