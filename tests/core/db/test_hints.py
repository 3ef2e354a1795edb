"""Words between processes, and what became of a COMMIT that nobody answered."""

import asyncio
import time
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from cumulo.core.db import hints
from cumulo.core.db.hints import messages
from cumulo.core.db.postgresql import PostgresqlDatabase
from cumulo.core.db.statements import statement
from cumulo.core.db.transaction import Tx

WORDS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=400)
)


@given(WORDS)
def test_messages_hold_all_of_them(said: list[str]) -> None:
    found = list(messages("me", said))
    assert [word for each in found for word in each.split("\n")[1:]] == said
    assert all(len(each.encode()) <= hints.MESSAGE_BYTES + 1700 for each in found)
    assert all(each.startswith("me\n") for each in found)


def test_others_hear_and_we_do_not(postgresql_dsn: str) -> None:
    one, two = (PostgresqlDatabase(postgresql_dsn, threads=1) for _ in range(2))
    heard: dict[str, list[str]] = {"one": [], "two": []}
    try:
        one.on_hint(heard["one"].append)
        two.on_hint(heard["two"].append)
        end = time.monotonic() + 10
        while not heard["two"]:
            one.hint("jobs")  # until the other one listens
            assert time.monotonic() < end
            time.sleep(0.02)
        for number in range(1000):
            one.hint(f"reconciler {number}")
        while "reconciler 999" not in heard["two"]:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert heard["one"] == []
        assert {f"reconciler {n}" for n in range(1000)} <= set(heard["two"])
    finally:
        one.close()
        two.close()


MAKE = "CREATE TABLE IF NOT EXISTS counted (number bigint)"
ADD = statement(text("INSERT INTO counted VALUES (1)"))


@pytest.mark.parametrize("after", [True, False], ids=["it was", "it was not"])
def test_a_lost_answer_to_a_commit(
    postgresql_dsn: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Written once, whether the connection broke before the COMMIT took effect or after it."""
    with psycopg.connect(postgresql_dsn, autocommit=True) as connection:
        connection.execute(MAKE)
    database = PostgresqlDatabase(postgresql_dsn, threads=1)
    plain, broken = psycopg.Connection.execute, [True]

    def execute(self: Any, query: Any, *arguments: Any, **more: Any) -> Any:
        if query == "COMMIT" and broken:
            broken.pop()
            if after:
                plain(self, query, *arguments, **more)
            self.close()
            raise psycopg.OperationalError("the connection is lost")
        return plain(self, query, *arguments, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    runs: list[int] = []

    def write(tx: Tx) -> str:
        runs.append(1)
        tx.run(ADD)
        return "done"

    try:
        assert asyncio.run(database.write(write, name="counted")) == "done"
    finally:
        database.close()
    monkeypatch.undo()
    assert not broken
    with psycopg.connect(postgresql_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM counted").fetchall() == [(1,)]
    assert len(runs) == (1 if after else 2)
