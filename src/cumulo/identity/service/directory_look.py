"""One look at everybody in a directory, written into rows.

What the directory says is whole or it is not used at all; what is written of it comes in short
transactions, with the loop free between them, and rows are read a page at a time. Each transaction
is right by itself: after a kill between two of them the next look does the rest.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, TypeVar

from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.work import pools
from cumulo.identity.model.directory import DirectoryRow, Person, Snapshot, Team, public_id
from cumulo.identity.model.group import GroupRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import directory as queries
from cumulo.identity.service.directory_rows import (
    DirectoryRows,
    group_differs,
    looked_since,
    user_differs,
)

T = TypeVar("T")

PAGE = 500
"""Rows read at once."""
PAGE_OF_MEMBERS = 2000
BATCH = 40
"""Rows changed in one transaction: it holds up everybody else."""


class Superseded(Exception):
    """The configuration has changed meanwhile: what was read is of another directory."""


def check_current(tx: Tx, row: DirectoryRow) -> DirectoryRow:
    """The row as it is now. Raises Superseded."""
    now = tx.get(DirectoryRow, row.domain_id)
    if now is None or now.generation != row.generation:
        raise Superseded
    return now


class _Wanted:
    """Everybody by the ids that they have here. Made in a thread: hashing takes a while."""

    def __init__(self, domain_id: str, snapshot: Snapshot) -> None:
        ids = {p.local_id: public_id(domain_id, "user", p.local_id) for p in snapshot.people}
        self.people = {ids[person.local_id]: person for person in snapshot.people}
        self.teams = {public_id(domain_id, "group", t.local_id): t for t in snapshot.teams}
        self.members = {
            id: {ids[member] for member in team.members if member in ids}
            for id, team in self.teams.items()
        }


class DirectoryLook:
    """`begun`: when the directory was asked; logins since then know more."""

    def __init__(
        self, database: Database, rows: DirectoryRows, row: DirectoryRow, begun: Moment
    ) -> None:
        self._database = database
        self._rows = rows
        self._row = row
        self._begun = begun

    async def write_down(self, snapshot: Snapshot) -> list[str]:
        """What could not be taken over, in words. Raises Superseded."""
        wanted = await pools.HASH(_Wanted, self._row.domain_id, snapshot)
        notes = [*snapshot.notes, *await self._users(wanted), *await self._groups(wanted)]
        for ids in _parts([*wanted.members]):
            had = await self._members(ids)
            for id in ids:
                await self._set_members(id, wanted.members[id], had.get(id, set()))
        return notes

    async def forget(self) -> None:
        """The domain has no directory any more: nobody of it stays. Raises Superseded."""
        async for users in self._pages(queries.USERS):
            for those in _parts([row.id for row in users]):
                await self._write(functools.partial(self._forget_users, ids=those))
        async for groups in self._pages(queries.GROUPS):
            for those in _parts([row.id for row in groups]):
                await self._write(functools.partial(self._forget_groups, ids=those))

        def end(tx: Tx) -> None:
            tx.delete(check_current(tx, self._row))
            emit(tx, "identity.directory.forgotten", self._row.domain_id)

        await self._database.write(end, name="directory forgotten")

    # Transactions

    async def _read(self, function: Callable[[Tx], T]) -> T:
        # A transaction of SQLite does not give way to others by itself.
        await asyncio.sleep(0)
        return await self._database.read(function)

    async def _write(self, change: Callable[[Tx], T]) -> T:
        def write(tx: Tx) -> T:
            check_current(tx, self._row)
            return change(tx)

        await asyncio.sleep(0)
        return await self._database.write(write, name="directory sync")

    async def _pages(self, rows: Any) -> AsyncIterator[list[Any]]:
        """The domain's rows that come from its directory, by name. One that is renamed meanwhile
        may come twice or not at all."""
        after = ""
        while True:
            page = await self._read(
                functools.partial(_page, rows=rows, domain_id=self._row.domain_id, after=after)
            )
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1].name

    # Users

    async def _users(self, wanted: _Wanted) -> list[str]:
        notes, seen = [], set[str]()
        async for page in self._pages(queries.USERS):
            seen.update(row.id for row in page)
            changed = [
                person
                for row in page
                if (person := wanted.people.get(row.id)) is not None and user_differs(row, person)
            ]
            gone = [row.id for row in page if row.id not in wanted.people]
            notes += await self._keep_users(changed)
            for ids in _parts(gone):
                await self._write(functools.partial(self._miss_users, ids=ids))
        new = [person for id, person in wanted.people.items() if id not in seen]
        return notes + await self._keep_users(new)

    async def _keep_users(self, people: Sequence[Person]) -> list[str]:
        notes = []
        for some in _parts(people):
            notes += await self._write(functools.partial(self._keep_some, people=some))
        return notes

    def _keep_some(self, tx: Tx, people: Sequence[Person]) -> list[str]:
        notes = []
        for person in people:
            known = tx.get(UserRow, public_id(self._row.domain_id, "user", person.local_id))
            if known is not None and looked_since(known, self._begun):
                continue
            if self._rows.keep_user(tx, self._row.domain_id, person) is None:
                notes.append(f"user {person.dn}: a user of the name {person.name} lives here")
        return notes

    def _miss_users(self, tx: Tx, ids: Sequence[str]) -> None:
        for id in ids:
            known = tx.get(UserRow, id)
            if known is not None and not looked_since(known, self._begun):
                self._rows.miss_user(tx, known)

    def _forget_users(self, tx: Tx, ids: Sequence[str]) -> None:
        for id in ids:
            known = tx.get(UserRow, id)
            if known is not None and known.origin is not None:
                self._rows.forget_user(tx, known)

    # Groups

    async def _groups(self, wanted: _Wanted) -> list[str]:
        """Those that are gone want no members from here on."""
        notes, seen = [], set[str]()
        async for page in self._pages(queries.GROUPS):
            seen.update(row.id for row in page)
            changed = [
                team
                for row in page
                if (team := wanted.teams.get(row.id)) is not None and group_differs(row, team)
            ]
            gone = [row.id for row in page if row.id not in wanted.teams]
            wanted.members.update((id, set()) for id in gone)
            notes += await self._keep_groups(changed)
            for ids in _parts(gone):
                await self._write(functools.partial(self._miss_groups, ids=ids))
        new = [team for id, team in wanted.teams.items() if id not in seen]
        return notes + await self._keep_groups(new)

    async def _keep_groups(self, teams: Sequence[Team]) -> list[str]:
        notes = []
        for some in _parts(teams):
            notes += await self._write(functools.partial(self._keep_teams, teams=some))
        return notes

    def _keep_teams(self, tx: Tx, teams: Sequence[Team]) -> list[str]:
        kept = [(team, self._rows.keep_group(tx, self._row.domain_id, team)) for team in teams]
        return [
            f"group {team.dn}: a group of the name {team.name} lives here"
            for team, made in kept
            if made is None
        ]

    def _miss_groups(self, tx: Tx, ids: Sequence[str]) -> None:
        for id in ids:
            known = tx.get(GroupRow, id)
            if known is not None:
                self._rows.miss_group(tx, known)

    def _forget_groups(self, tx: Tx, ids: Sequence[str]) -> None:
        for id in ids:
            known = tx.get(GroupRow, id)
            if known is not None and known.origin is not None:
                self._rows.forget_group(tx, known)

    # Members

    async def _members(self, group_ids: Sequence[str]) -> dict[str, set[str]]:
        """The ids of the users in each group that has any: together where they are few."""
        found = await self._read(
            lambda tx: self._rows.some_members(tx, group_ids, PAGE_OF_MEMBERS + 1)
        )
        if len(found) > PAGE_OF_MEMBERS:
            return {id: await self._members_of(id) for id in group_ids}
        members: dict[str, set[str]] = {}
        for group_id, user_id in found:
            members.setdefault(group_id, set()).add(user_id)
        return members

    async def _members_of(self, group_id: str) -> set[str]:
        found: set[str] = set()
        page, after = [""], ""
        while page:
            read = functools.partial(
                self._rows.members, group_id=group_id, after=after, most=PAGE_OF_MEMBERS
            )
            page = await self._read(read)
            found.update(page)
            after = page[-1] if page else ""
        return found

    async def _set_members(self, group_id: str, wanted: set[str], had: set[str]) -> None:
        changes = [(id, True) for id in wanted - had]
        changes += [(id, False) for id in had - wanted]
        for part in _parts(changes):
            add, drop = ([id for id, joins in part if joins is kind] for kind in (True, False))

            def change(tx: Tx, add: list[str] = add, drop: list[str] = drop) -> None:
                known = tx.get(GroupRow, group_id)
                if known is not None and known.origin is not None:
                    self._rows.set_members(tx, group_id, add, drop, self._begun)

            await self._write(change)


def _page(tx: Tx, rows: Any, domain_id: str, after: str) -> list[Any]:
    return tx.all(rows, domain_id=domain_id, after=after, most=PAGE)


def _parts(whole: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(whole), BATCH):
        yield whole[start : start + BATCH]
