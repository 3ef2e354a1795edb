"""Reconciler loops: due work is done, failures are recorded, no ring of the bell is lost."""

import asyncio
from collections.abc import Callable
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


class Overlapping(Counter):
    """A step of one row with `slow` in its name ends when it is told."""

    overlaps = 2

    def __init__(self, work: set[str]) -> None:
        super().__init__(work)
        self.ends = asyncio.Event()
        self.at_work: list[str] = []
        self.most = 0

    async def step(self, id: str) -> None:
        assert id not in self.at_work, "twice at once"
        self.at_work.append(id)
        self.most = max(self.most, len(self.at_work))
        try:
            if "slow" in id:
                await self.ends.wait()
            await super().step(id)
        finally:
            self.at_work.remove(id)


async def until(what: Callable[[], bool]) -> None:
    while not what():
        await asyncio.sleep(0.001)


def test_what_becomes_due_does_not_wait_for_slow_steps(tmp_path: Path) -> None:
    """Nobody rings, and the next sweep is far: the end of a step is what lets others in."""

    async def main() -> None:
        counter = Overlapping({"a slow", *(f"b{n}" for n in range(20)), "bad"})
        loop = ReconcilerLoop(database, counter, sweep=3600.0)
        work = asyncio.create_task(loop.run())
        await until(lambda: counter.work == {"a slow", "bad"})
        assert counter.reasons == {"bad": "ValueError: bad"} and counter.most == 2
        # It is asked for once more while it is at work: it is done again thereafter, not now.
        for _ in range(5):
            loop.ring()
            await asyncio.sleep(0.002)
        assert counter.at_work == ["a slow"]
        assert loop.age > 0.008, "as old as the step that does not end"
        counter.work |= {"b slow", "c"}
        loop.ring()
        await until(lambda: counter.at_work == ["a slow", "b slow"])
        loop.ring()
        await asyncio.sleep(0.005)
        assert "c" in counter.work, "all places are taken"
        counter.ends.set()
        await until(lambda: counter.work == {"bad"})
        assert counter.most == 2
        work.cancel()

    database = SqliteDatabase(tmp_path / "x.db")
    asyncio.run(asyncio.wait_for(main(), 10))
    database.close()


def test_steps_that_overlap_end_with_the_loop_or_are_given_away(tmp_path: Path) -> None:
    async def main() -> None:
        counter, mine = Overlapping({"a slow", "b slow"}), True
        loop = ReconcilerLoop(database, counter, sweep=3600.0, mine=lambda: mine)
        work = asyncio.create_task(loop.run())
        await until(lambda: len(counter.at_work) == 2)
        mine = False
        loop.drop()
        await until(lambda: not counter.at_work)
        loop.wakeup.ring()
        await asyncio.sleep(0.005)
        assert not counter.at_work
        mine = True
        loop.ring()
        await until(lambda: len(counter.at_work) == 2)
        work.cancel()
        await asyncio.wait({work}, timeout=60)
        assert work.cancelled() and not counter.at_work

    database = SqliteDatabase(tmp_path / "x.db")
    asyncio.run(asyncio.wait_for(main(), 10))
    database.close()


def test_what_cannot_be_noted_waits_for_the_sweep(tmp_path: Path) -> None:
    """The database is away: a step that begins again at once would only fail again."""

    async def main() -> None:
        counter = Overlapping({"bad"})
        tried = 0

        def failed(tx: Tx, id: str, reason: str) -> None:
            nonlocal tried
            tried += 1
            raise OSError("no database")

        counter.failed = failed  # type: ignore[method-assign]
        loop = ReconcilerLoop(database, counter, sweep=3600.0)
        work = asyncio.create_task(loop.run())
        await until(lambda: tried == 1)
        await asyncio.sleep(0.05)
        assert tried == 1
        loop.wakeup.ring()
        await until(lambda: tried > 1)
        work.cancel()

    database = SqliteDatabase(tmp_path / "x.db")
    asyncio.run(asyncio.wait_for(main(), 10))
    database.close()
