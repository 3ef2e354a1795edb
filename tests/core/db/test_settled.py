"""One flush of the log for all who wait, and none that is missed."""

import asyncio
from pathlib import Path

import pytest

from cumulo.core.db import sqlite
from cumulo.core.db.sqlite import SqliteDatabase


def test_one_flush_serves_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[Path] = []
    real = sqlite._sync
    monkeypatch.setattr(sqlite, "_sync", lambda path: (flushed.append(path), real(path)))

    async def main() -> None:
        database = SqliteDatabase(tmp_path / "x.db")
        await asyncio.gather(*(database.settled() for _ in range(50)))
        assert len(flushed) == 1
        # Who comes while a flush is under way waits for the next one.
        first = asyncio.create_task(database.settled())
        while len(flushed) < 2:
            await asyncio.sleep(0)
        await asyncio.gather(*(database.settled() for _ in range(50)), first)
        assert len(flushed) == 3
        database.close()

    asyncio.run(main())
    assert flushed[0].name == "x.db-wal"


def test_durable_commits_are_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_sync", lambda path: pytest.fail("flushed twice"))

    async def main() -> None:
        database = SqliteDatabase(tmp_path / "x.db", durable=True)
        await database.settled()
        database.close()

    asyncio.run(main())
