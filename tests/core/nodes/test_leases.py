"""Parts of the work are shared out among the control nodes that live, each to one at a time."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import psycopg
import pytest

from cumulo import wiring
from cumulo.core.db import migrations
from cumulo.core.db.postgresql import PostgresqlDatabase
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.http.watched import watch_clocks
from cumulo.core.nodes import leases as leases_module
from cumulo.core.nodes import queries
from cumulo.core.nodes.leases import Leases
from cumulo.core.nodes.model import EDITION, NodeRow

PARTS = ["a", "b", "c", "d", "e"]


@contextmanager
def node(dsn: str, name: str) -> Iterator[Leases]:
    wiring.assemblies()
    database = PostgresqlDatabase(dsn, threads=1)
    wiring.assemblies()  # All tables are declared.
    migrations.prepare(database)
    made = Leases(database, NodeRow(name, name, "", False, 0.0, False))
    made.names += PARTS
    try:
        yield made
    finally:
        database.close()


def held(node: Leases) -> set[str]:
    return {name for name in PARTS if node.holds(name)}


def beat(*nodes: Leases) -> None:
    async def main() -> None:
        for each in nodes:
            await each._beat()

    asyncio.run(main())


def pass_time(dsn: str, seconds: float) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE work_leases SET until = until - %s", (seconds,))
        connection.execute("UPDATE control_nodes SET seen = seen - %s", (seconds,))


def test_an_older_release_is_seen(postgresql_dsn: str) -> None:
    """As long as it lives, also while it is about to end: it still answers."""
    with node(postgresql_dsn, "one") as new, node(postgresql_dsn, "two") as old:
        told: list[int] = []
        new.looked = told.append
        new._me = msgspec.structs.replace(new._me, edition=EDITION)
        beat(new, old, new)
        asyncio.run(old.leave())
        beat(new)
        pass_time(postgresql_dsn, leases_module.LEASE_SECONDS)
        beat(new)
        assert told == [EDITION, 0, 0, EDITION]


def test_two_share_and_one_takes_over(postgresql_dsn: str) -> None:
    with node(postgresql_dsn, "one") as one, node(postgresql_dsn, "two") as two:
        told: list[str] = []
        one.lost = lambda name: told.append(f"lost {name}")
        two.gained = lambda name: told.append(f"gained {name}")
        beat(one)
        assert held(one) == set(PARTS)
        beat(two)
        # What one has is its own until it has let go of it, and stopped.
        assert held(two) == set()
        beat(one, two)
        assert len(held(one)) == 3
        assert held(two) == set()
        pass_time(postgresql_dsn, leases_module.MARGIN_SECONDS + 0.1)
        beat(one, two, one, two)
        assert (len(held(one)), len(held(two))) == (3, 2)
        assert held(one) | held(two) == set(PARTS)
        assert {text for text in told if text.startswith("lost")} == {
            f"lost {name}" for name in held(two)
        }
        # One dies: its leases end, and it counts no more.
        pass_time(postgresql_dsn, leases_module.LEASE_SECONDS)
        beat(two)
        assert held(two) == set(PARTS)
        beat(one)
        assert held(one) == set()


def test_who_leaves_gives_all_back_at_once(postgresql_dsn: str) -> None:
    with node(postgresql_dsn, "one") as one, node(postgresql_dsn, "two") as two:
        beat(one, two)

        async def leave() -> None:
            await one.leave()
            assert held(one) == set()
            await two._beat()
            assert held(two) == set(PARTS)
            await one._beat()
            assert held(one) == set()

        asyncio.run(leave())


def test_who_cannot_renew_stops_in_time(
    postgresql_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with node(postgresql_dsn, "one") as one:
        lost: list[str] = []
        one.lost = lost.append
        beat(one)

        def away(*_: object, **__: object) -> None:
            raise ConnectionError("the database is away")

        monkeypatch.setattr(one._database, "write", away)
        beat(one)
        assert held(one) == set(PARTS)
        one._good_until -= leases_module.LEASE_SECONDS
        assert held(one) == set()
        beat(one)
        assert sorted(lost) == PARTS


def test_alone_one_does_everything(tmp_path: object) -> None:
    database = SqliteDatabase(tmp_path / "x.db")  # type: ignore[operator]
    try:
        alone = Leases(database, NodeRow("one", "one", "", True, 0.0, False))
        assert alone.holds("whatever")
    finally:
        database.close()


def test_who_was_removed_does_not_come_back(postgresql_dsn: str) -> None:
    """A frozen process that wakes up, or somebody who types `up` over there."""
    with node(postgresql_dsn, "one") as one, node(postgresql_dsn, "two") as two:
        beat(one, two)
        with psycopg.connect(postgresql_dsn) as connection:
            connection.execute("UPDATE control_nodes SET removed = true WHERE id = 'one'")
        beat(one)
        assert one.removed.is_set()
        assert held(one) == set()
        pass_time(postgresql_dsn, leases_module.LEASE_SECONDS)
        beat(two)
        assert held(two) == set(PARTS)


def test_parts_that_one_release_alone_has_are_done(postgresql_dsn: str) -> None:
    with node(postgresql_dsn, "old") as old, node(postgresql_dsn, "new") as new:
        new.names += ["f", "g", "h"]
        old.names[:] = ["a"]
        beat(old, new, old, new)
        assert len(held(new)) < len(PARTS)
        for _ in range(5):
            # Others renew, and nobody takes the rest.
            pass_time(postgresql_dsn, leases_module.LEASE_SECONDS - 1)
            beat(old, new)
        assert {name for each in (old, new) for name in each.names if each.holds(name)} == {
            *PARTS,
            "f",
            "g",
            "h",
        }


def test_a_clock_that_differs_is_told(postgresql_dsn: str, monkeypatch: Any) -> None:
    with node(postgresql_dsn, "one") as one, node(postgresql_dsn, "two") as two:
        beat(one)
        now = time.time
        monkeypatch.setattr(leases_module.time, "time", lambda: now() - 31.0)
        beat(two)
        monkeypatch.undo()
        rows = two._database.write_now(lambda tx: tx.all(queries.NODES))
        found = {row.name: row.ahead for row in rows}
        assert abs(found["one"]) < 1.0 and abs(found["two"] + 31.0) < 1.0
        health = SimpleNamespace(checks=[])
        nodes = SimpleNamespace(grown=True, all=lambda tx: [(row, True) for row in rows])
        watch_clocks(cast(Any, health), cast(Any, nodes))
        [told] = health.checks[0](None)
        assert told == "the clock of the control node two is 31 s behind the database's"
