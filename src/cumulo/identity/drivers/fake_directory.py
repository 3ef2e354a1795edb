"""A directory in memory: what a domain is given by the url `fake://NAME?users=N&groups=M`.

It has the users `user-1` … with passwords `secret-of-user-1` …, spread over the groups `group-1` …
Faults can be injected: `away`, and any change of `people`, `teams` and `passwords`.
"""

import asyncio
import dataclasses
from urllib.parse import parse_qs, urlsplit

from cumulo.identity.drivers.directory import (
    Capabilities,
    DirectoryUnreachable,
    Look,
    Person,
    Snapshot,
    Team,
)

MOST = 100_000


class FakeDirectory:
    capabilities = Capabilities(encrypted=True, simulated=True)

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        """By local id."""
        self.teams: dict[str, Team] = {}
        self.passwords: dict[str, str] = {}
        """By local id."""
        self.away = ""
        """Why it does not answer."""
        self.delay = 0.0
        """Seconds that each answer takes."""

    def add_person(
        self, name: str, password: str, *, enabled: bool = True, email: str = ""
    ) -> None:
        dn = f"cn={name},ou=Users,o=fake"
        extra = {"email": email} if email else {}
        self.people[name] = Person(name, dn, name, enabled, extra=extra)
        self.passwords[name] = password

    def add_team(self, name: str, *members: str) -> None:
        dn = f"cn={name},ou=UserGroups,o=fake"
        self.teams[name] = Team(name, dn, name, members=frozenset(members))

    def remove_person(self, name: str) -> None:
        del self.people[name], self.passwords[name]

    async def snapshot(self) -> Snapshot:
        await self._answer()
        known = frozenset(self.people)
        teams = (dataclasses.replace(t, members=t.members & known) for t in self.teams.values())
        return Snapshot(tuple(self.people.values()), tuple(teams))

    async def look(
        self, password: str, *, name: str | None = None, local_id: str | None = None
    ) -> Look:
        await self._answer()
        folded = (name or "").casefold()
        found = [
            person
            for person in self.people.values()
            if (person.local_id == local_id if name is None else person.name.casefold() == folded)
        ]
        if len(found) != 1:
            return Look(None)
        person = found[0]
        if not password or self.passwords[person.local_id] != password:
            return Look(person)
        mine = (team for team in self.teams.values() if person.local_id in team.members)
        return Look(
            person, True, tuple(dataclasses.replace(each, members=frozenset()) for each in mine)
        )

    async def _answer(self) -> None:
        await asyncio.sleep(self.delay)
        if self.away:
            raise DirectoryUnreachable(self.away)


def simulated(url: str) -> FakeDirectory:
    """The directory of a `fake://` url. Raises DirectoryUnreachable for one that means nothing."""
    asked = parse_qs(urlsplit(url).query)
    try:
        users, groups = (int(asked.get(noun, ["0"])[0]) for noun in ("users", "groups"))
    except ValueError:
        raise DirectoryUnreachable(f"{url}: users and groups are numbers") from None
    if not 0 <= users <= MOST or not 0 <= groups <= MOST:
        raise DirectoryUnreachable(f"{url}: up to {MOST} users and groups")
    made = FakeDirectory()
    names = [f"user-{number}" for number in range(1, users + 1)]
    for name in names:
        made.add_person(name, f"secret-of-{name}", email=f"{name}@fake.example")
    for number in range(1, groups + 1):
        made.add_team(f"group-{number}", *names[number - 1 :: groups])
    return made
