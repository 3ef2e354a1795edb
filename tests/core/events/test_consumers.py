"""Consumers: every event once, in an order that nothing committed later changes; kept for as long
as somebody reads."""

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events import retention
from cumulo.core.events.consumers import ConsumerLoop, state_of_consumers
from cumulo.core.events.history import events_since
from cumulo.core.events.model import ConsumerRow, EventRow
from tests.core.events.support import database, make


class Counting:
    """Writes down what it took, in the same transaction."""

    name = "counting"

    def __init__(self) -> None:
        self.fails = 0

    def handle(self, tx: Tx, events: Sequence[EventRow]) -> None:
        for event in events:
            make(tx, event.detail["n"] + 1000, project="counted") if (
                event.project_id == "p"
            ) else None
        if self.fails:
            self.fails -= 1
            raise RuntimeError("not today")


def counted(db: Any) -> list[int]:
    found = db.read_now(lambda tx: events_since(tx, most=100_000))
    return [e.detail["n"] - 1000 for e in found if e.project_id == "counted"]


def test_a_new_one_begins_now_and_goes_on_where_it_was(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        with database(tmp_path, database_url) as db:
            await db.write(lambda tx: make(tx, 1, 2))
            loop = ConsumerLoop(db, Counting())
            assert not await loop.once()
            await db.write(lambda tx: make(tx, 3, 4))
            await loop.once()
            await ConsumerLoop(db, Counting()).once()
            assert counted(db) == [3, 4]
            await db.write(lambda tx: make(tx, 5))
            await ConsumerLoop(db, Counting()).once()
            assert counted(db) == [3, 4, 5]

    asyncio.run(main())


def test_from_the_start(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        with database(tmp_path, database_url) as db:
            await db.write(lambda tx: make(tx, *range(1, 451)))
            loop = ConsumerLoop(db, Counting(), from_start=True)
            assert await loop.once()
            assert await loop.once()
            await loop.once()
            assert counted(db) == list(range(1, 451))

    asyncio.run(main())


def test_a_failure_undoes_all_and_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        with database(tmp_path) as db:
            consumer = Counting()
            loop = ConsumerLoop(db, consumer, from_start=True)
            await db.write(lambda tx: make(tx, 1))
            consumer.fails = 1
            task = asyncio.create_task(loop.run())
            async with asyncio.timeout(10):
                while not await db.read(lambda tx: state_of_consumers(tx)):
                    await asyncio.sleep(0.01)
                while not (await db.read(state_of_consumers))[0]["fault"]:
                    await asyncio.sleep(0.01)
                assert "not today" in (await db.read(state_of_consumers))[0]["fault"]
                assert counted(db) == []
                while counted(db) != [1]:
                    await asyncio.sleep(0.05)
            assert (await db.read(state_of_consumers))[0]["fault"] is None
            task.cancel()

    asyncio.run(main())


def test_no_later_commit_overtakes(tmp_path: Path, postgresql_dsn: str) -> None:
    """The lower numbers are committed last: nobody sees the higher ones before them."""

    async def main() -> None:
        with database(tmp_path, postgresql_dsn) as db:
            loop = ConsumerLoop(db, Counting(), from_start=True)
            await loop.once()
            made, go_on = threading.Event(), threading.Event()

            def slow(tx: Tx) -> None:
                make(tx, 1)
                made.set()
                go_on.wait(20.0)

            writer = asyncio.create_task(asyncio.to_thread(db.write_now, slow))
            await asyncio.to_thread(made.wait, 20.0)
            await db.write(lambda tx: make(tx, 2))
            await loop.once()
            assert counted(db) == []
            go_on.set()
            await writer
            await loop.once()
            assert counted(db) == [1, 2]

    asyncio.run(main())


def test_many_writers_and_two_readers(tmp_path: Path, postgresql_dsn: str) -> None:
    """Transactions of any length, committed and undone in any order: each event once."""

    async def main() -> None:
        with database(tmp_path, postgresql_dsn) as db:
            choose = random.Random(7)

            async def write(n: int) -> int | None:
                undone, pause = choose.random() < 0.2, choose.random() * 0.02

                def work(tx: Tx) -> None:
                    make(tx, n)
                    time.sleep(pause)
                    if undone:
                        raise ValueError("undone")

                try:
                    await db.write(work)
                except ValueError:
                    return None
                return n

            loops = [ConsumerLoop(db, Counting(), from_start=True) for _ in range(2)]
            readers = [asyncio.create_task(loop.run()) for loop in loops]
            written = await asyncio.gather(*(write(n) for n in range(1, 201)))
            wanted = sorted(n for n in written if n is not None)
            async with asyncio.timeout(20):
                while len(counted(db)) < len(wanted):
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)
            assert sorted(counted(db)) == wanted
            for reader in readers:
                reader.cancel()

    asyncio.run(main())


def test_history_is_kept_for_who_reads(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.0)

    async def main() -> None:
        with database(tmp_path, database_url) as db:
            loop = ConsumerLoop(db, Counting(), from_start=True)
            await db.write(lambda tx: make(tx, *range(1, 31), project="other"))
            await loop.once()
            await db.write(lambda tx: make(tx, *range(31, 61), project="other"))
            old = later(await db.read(lambda tx: tx.now), -100 * 86400.0)
            db.run_script([f"UPDATE events SET at = '{old}'"])
            await db.write(lambda tx: make(tx, 61, project="other"))
            keeper = retention.Retention(db, 90)
            assert await keeper.once() == 30
            left = await db.read(lambda tx: events_since(tx))
            assert [event.detail["n"] for event in left] == list(range(31, 62))
            # It has been away for too long.
            db.run_script([f"UPDATE event_consumers SET alive_at = '{old}'"])
            assert await keeper.once() == 30
            [state] = await db.read(state_of_consumers)
            assert state["name"] == "counting" and state["dropped_at"]
            # It comes back, and goes on with what is left.
            await loop.once()
            row = await db.read(lambda tx: tx.get(ConsumerRow, "counting"))
            assert row.dropped_at is None
            assert not (await db.read(state_of_consumers))[0]["behind"]
            # A quiet cloud: its last event stays, so that the next one comes after it.
            last = (await db.read(lambda tx: events_since(tx)))[-1].position
            db.run_script([f"UPDATE events SET at = '{old}'"])
            await keeper.once()
            await db.write(lambda tx: make(tx, 62, project="other"))
            left = await db.read(lambda tx: events_since(tx))
            assert [event.detail["n"] for event in left] == [61, 62]
            assert left[0].position == last < left[1].position

    asyncio.run(main())
