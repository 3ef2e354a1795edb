"""What one process commits, the others hear of: on PostgreSQL with its own NOTIFY."""

import asyncio
import threading

import pytest

from cumulo.core.db.announcements import Announcement
from cumulo.core.db.postgresql import PostgresqlDatabase
from cumulo.core.db.transaction import Tx


def test_another_process_hears_of_a_commit_and_of_nothing_else(database_url: str) -> None:
    if not database_url:
        pytest.skip("one process holds an SQLite database")
    heard = threading.Event()
    here = Announcement("tests_heard", lambda: None)
    mine, other = PostgresqlDatabase(database_url), PostgresqlDatabase(database_url)
    try:
        other.subscribe(Announcement("tests_heard", heard.set))
        assert heard.wait(10)  # at its start it may have missed something
        heard.clear()

        def fail(tx: Tx) -> None:
            tx.after_commit(here)
            raise ValueError

        with pytest.raises(ValueError):
            mine.write_now(fail)
        assert not heard.wait(0.3)
        asyncio.run(mine.write(lambda tx: tx.after_commit(here)))
        assert heard.wait(10)
    finally:
        mine.close()
        other.close()


def test_here_it_is_called_after_the_commit(database_url: str, tmp_path: object) -> None:
    if not database_url:
        pytest.skip("the same code as any callback")
    database = PostgresqlDatabase(database_url)
    seen: list[str] = []
    try:
        database.write_now(
            lambda tx: tx.after_commit(Announcement("tests_own", lambda: seen.append("x")))
        )
        assert seen == ["x"]
    finally:
        database.close()


def test_names_are_names() -> None:
    with pytest.raises(ValueError, match="not a channel"):
        Announcement('x"; DROP', lambda: None)
