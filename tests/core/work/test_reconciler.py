"""Reconciler loops: due work is done, failures are recorded, no ring of the bell is lost."""

import asyncio
from pathlib import Path

from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.work.reconciler import ReconcilerLoop, backoff
from cumulo.core.work.wakeups import Wakeup


class Counter:
    name = "counter"

    def __init__(self, work: set[str]) -> None:
        self.work = work
        self.done: list[str] = []
        self.reasons: dict[str, str] = {}

    def due(self, tx: Tx, most: int) -> list[str]:
        return sorted(self.work - set(self.reasons))[:most]

    async def step(self, id: str) -> None:
        await asyncio.sleep(0)
        if id.startswith("bad"):
            raise ValueError(id)
        self.work.discard(id)
        self.done.append(id)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        self.reasons[id] = reason


def test_one_pass(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    counter = Counter({"a", "b", "bad1"})
    assert asyncio.run(ReconcilerLoop(database, counter).once()) is False
    assert sorted(counter.done) == ["a", "b"]
    assert counter.reasons == {"bad1": "ValueError: bad1"}
    database.close()


def test_a_full_batch_means_another_pass_at_once(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    counter = Counter({f"{n:03}" for n in range(250)})
    loop = ReconcilerLoop(database, counter, sweep=60.0)

    async def main() -> None:
        work = asyncio.create_task(loop.run())
        while counter.work:
            await asyncio.sleep(0.001)
        counter.work.add("late")
        loop.wakeup.ring()
        while counter.work:
            await asyncio.sleep(0.001)
        work.cancel()

    asyncio.run(asyncio.wait_for(main(), 5))
    assert len(counter.done) == 251
    database.close()


def test_a_ring_during_work_is_heard_afterwards() -> None:
    async def main() -> None:
        bell = Wakeup()
        assert await bell.wait(0.001) is False
        bell.ring()
        bell.ring()
        assert await bell.wait(0.001) is True
        assert await bell.wait(0.001) is False

    asyncio.run(main())


def test_backoff_doubles_and_is_bounded() -> None:
    assert [backoff(n) for n in (0, 1, 2, 3)] == [1.0, 2.0, 4.0, 8.0]
    assert backoff(10_000) == 300.0


def test_a_failing_database_does_not_end_the_loop(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    counter = Counter({"a"})
    loop = ReconcilerLoop(database, counter, sweep=0.01)
    due, failures = counter.due, iter([True, True, False])

    def failing(tx: Tx, most: int) -> list[str]:
        if next(failures, False):
            raise OSError("no database")
        return due(tx, most)

    counter.due = failing  # type: ignore[method-assign]

    async def main() -> None:
        work = asyncio.create_task(loop.run())
        while counter.work:
            await asyncio.sleep(0.001)
        work.cancel()

    asyncio.run(asyncio.wait_for(main(), 5))
    assert counter.done == ["a"]
    database.close()


class Slow(Counter):
    begun = 0

    async def step(self, id: str) -> None:
        self.begun += 1
        await asyncio.sleep(3600)


def test_what_is_given_away_goes_on_and_what_ends_ends(tmp_path: Path) -> None:
    """A process that ends gives its leases back meanwhile: that is no reason to stay."""

    async def main() -> None:
        slow = Slow({"a"})
        loop = ReconcilerLoop(database, slow, sweep=0.01)
        work = asyncio.create_task(loop.run())
        for wanted in (1, 2):
            while slow.begun < wanted:
                await asyncio.sleep(0)
            if wanted == 1:
                loop.drop()
        work.cancel()
        loop.drop()
        ended, _ = await asyncio.wait({work}, timeout=60)
        assert work in ended and work.cancelled()

    database = SqliteDatabase(tmp_path / "x.db")
    asyncio.run(main())
    database.close()
