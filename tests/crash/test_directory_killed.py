"""`kill -9` in the middle of the looks at a directory: the first one, one that finds many gone, and
the end of it. The next look does the rest: nobody is there twice, and nothing is left of nobody."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

V3 = "/identity/v3"
MANY, FEW = 90, 50
POINTS = [
    # The first look: nothing, one batch, some batches, all of it but its end.
    "before commit: directory sync",
    "after commit: directory sync",
    "after commit: directory sync#2",
    "before commit: directory sync#4",
    "before commit: directory synced",
    # Many are gone, and groups with them.
    "after commit: directory sync",
    "before commit: directory sync#2",
    "after commit: directory sync#2",
    "before commit: directory synced",
    # The domain has no directory any more.
    "after commit: directory sync",
    "before commit: directory sync#2",
    "before commit: directory forgotten",
    "after commit: directory forgotten",
]


class DirectoryWalk:
    """Every step may be repeated from its start."""

    def __init__(self, plane: ControlPlane, read: Callable[[str], list[Any]]) -> None:
        self.plane = plane
        self.read = read

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.make_domain,
            lambda: self.configure(MANY, 6),
            lambda: self.until({True: MANY}),
            self.give_roles,
            lambda: self.configure(FEW, 2),
            lambda: self.until({True: FEW, False: MANY - FEW}),
            self.check_roles,
            self.take_directory_away,
            lambda: self.until({}),
        ]

    def ask(self, method: str, path: str, body: Any = None, ok: Any = ()) -> Any:
        return self.plane.ask(method, V3 + path, body, user="admin", ok=ok)

    def domain(self) -> str:
        found = self.ask("GET", "/domains?name=firm")["domains"]
        return str(found[0]["id"]) if found else ""

    def make_domain(self) -> None:
        if not self.domain():
            self.ask("POST", "/domains", {"domain": {"name": "firm"}})

    def configure(self, users: int, groups: int) -> None:
        url = f"fake://firm?users={users}&groups={groups}"
        config = {"identity": {"driver": "ldap"}, "ldap": {"url": url}}
        self.ask("PUT", f"/domains/{self.domain()}/config", {"config": config})

    def take_directory_away(self) -> None:
        self.ask("DELETE", f"/domains/{self.domain()}/config", ok=(404,))

    def users(self) -> dict[str, dict[str, Any]]:
        users = self.ask("GET", f"/users?domain_id={self.domain()}")["users"]
        named = {user["name"]: user for user in users}
        assert len(named) == len(users), Counter(user["name"] for user in users)
        return named

    def until(self, wanted: dict[bool, int]) -> None:
        """So many users are enabled and disabled, and the look is over."""
        end = time.monotonic() + 30
        while True:
            self.plane.check()
            found = dict(Counter(user["enabled"] for user in self.users().values()))
            if found == wanted and self.is_over(bool(wanted)):
                return
            assert time.monotonic() < end, (found, wanted)
            time.sleep(0.02)

    def is_over(self, there: bool) -> bool:
        rows = self.read("SELECT generation - synced_generation FROM identity_directories")
        return rows == ([(0,)] if there else [])

    def give_roles(self) -> None:
        role = self.ask("GET", "/roles?name=member")["roles"][0]["id"]
        users = self.users()
        for name in ("user-1", f"user-{MANY}"):
            self.ask("PUT", f"/domains/{self.domain()}/users/{users[name]['id']}/roles/{role}")

    def check_roles(self) -> None:
        """Who is gone has the roles still, for a while."""
        found = self.ask("GET", f"/role_assignments?scope.domain.id={self.domain()}")
        users = self.users()
        assert {each["user"]["id"] for each in found["role_assignments"]} == {
            users["user-1"]["id"],
            users[f"user-{MANY}"]["id"],
        }
        # Each user is in one of the groups that are left, and nobody in those that are gone.
        members = self.read("SELECT group_id, count(*) FROM identity_memberships GROUP BY group_id")
        assert sorted(count for _, count in members) == [FEW // 2, FEW // 2]


def walk(plane: ControlPlane, read: Callable[[str], list[Any]]) -> None:
    reached = run_walk(plane, POINTS, lambda plane: DirectoryWalk(plane, read).steps())
    assert reached == POINTS
    assert read("SELECT name FROM identity_users ORDER BY name") == [("admin",), ("demo",)]
    for table in ("identity_groups", "identity_memberships", "identity_directories"):
        assert read(f"SELECT count(*) FROM {table}") == [(0,)], table
    orphans = """SELECT actor_id FROM identity_assignments
        WHERE actor_id NOT IN (SELECT id FROM identity_users)"""
    assert read(orphans) == []


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_converges(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    settings = ""
    if engine == "postgresql":
        dsn = str(request.getfixturevalue("postgresql_dsn"))
        settings = f'[database]\nurl = "{dsn}"\n'

    def read(query: str) -> list[Any]:
        if engine == "postgresql":
            with psycopg.connect(dsn) as connection:
                return connection.execute(query.encode()).fetchall()
        path = tmp_path / "data" / "cumulo.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    plane = ControlPlane(tmp_path / "data", settings=settings)
    try:
        walk(plane, read)
    finally:
        plane.stop()
