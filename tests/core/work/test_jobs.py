"""Jobs: steps in order, failures undone, cancelled before the point of no return, slots in turns,
and nothing committed without the lease."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import story_of
from cumulo.core.work import queries
from cumulo.core.work.jobs import Jobs, Kind, Lost, Outcome, Run, Step
from cumulo.core.work.model import JobRow
from cumulo.core.work.runner import JobRunner
from tests.support.jobs import NAME, Memo, Mover, prepared


class Bench:
    """One process: a database, the verbs, a worker, and what was seen."""

    def __init__(self, folder: Path, **kind: Any) -> None:
        self.folder = folder
        self.database: SqliteDatabase = prepared(str(folder / "x.db"))
        self.mover = Mover(folder)
        self.jobs = Jobs(self.database)
        self.jobs.add(self.mover.kind(**kind))
        self.runner = JobRunner(self.database, self.jobs, lease=5.0, beat=0.05)

    def begin(self, subject: str, project: str = "p", **memo: Any) -> JobRow:
        return self.database.write_now(
            lambda tx: self.jobs.begin(
                tx, NAME, subject, Memo(**memo), project_id=project, id=f"id-{subject}"
            )
        )

    def write(self, function: Callable[[Tx], Any]) -> Any:
        return self.database.write_now(function)

    def rows(self) -> dict[str, JobRow]:
        found = self.database.read_now(
            lambda tx: [tx.get(JobRow, id) for (id,) in tx.tuples(queries.IDS)]
        )
        return {row.subject: row for row in found if row is not None}

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.runner.run())
        try:
            yield
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def until(self, seen: Callable[[], Any]) -> None:
        for _ in range(500):
            if seen():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"never: {self.rows()} {self.mover.effects()}")

    def said(self, what: str) -> bool:
        return any(what in line for line in self.mover.effects())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def go(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


def test_steps_are_done_in_order_and_the_row_goes(bench: Bench) -> None:
    async def main() -> None:
        bench.begin("a", again=3)
        async with bench.working():
            await bench.until(lambda: not bench.rows())

    go(main())
    wanted = ["copy 0", "copy 1", "copy 2", "check", "switch", "clean"]
    assert bench.mover.effects() == [f"me: a {what}" for what in wanted]


def test_what_fails_for_good_is_undone_and_says_why(bench: Bench) -> None:
    async def main() -> None:
        bench.begin("a", fail="check")
        async with bench.working():
            await bench.until(lambda: bench.mover.ended)

    go(main())
    assert bench.mover.effects() == ["me: a copy 0", "me: a uncopy"]
    assert bench.mover.ended == ["a: check cannot be"]
    assert bench.rows() == {}
    story = bench.database.read_now(lambda tx: story_of(tx, "a"))
    assert [(e.type, e.detail["reason"]) for e in story] == [("test.move.undo", "check cannot be")]


def test_an_unexpected_failure_is_tried_again_and_then_undone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cumulo.core.work.runner.backoff", lambda attempts: 0.01)

    async def main() -> None:
        bench.begin("a", fail="copy", fault="OSError")
        async with bench.working():
            await bench.until(lambda: bench.mover.ended)
            bench.begin("b", fail="copy", fault="OSError")
            await bench.until(lambda: (bench.rows()["b"].fault or "") == "copy 0 cannot be")
            (bench.folder / "mended").touch()
            await bench.until(lambda: not bench.rows())

    go(main())
    assert bench.mover.ended == ["a: copy 0 cannot be"]
    assert bench.mover.effects()[-1] == "me: b clean"
    story = bench.database.read_now(lambda tx: story_of(tx, "a"))
    assert [e.type for e in story] == ["test.move.failed", "test.move.undo"]


def test_beyond_the_point_of_no_return_it_goes_on_until_it_succeeds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cumulo.core.work.runner.backoff", lambda attempts: 0.005)

    async def main() -> None:
        bench.begin("a", fail="switch")
        async with bench.working():
            await bench.until(lambda: bench.rows()["a"].attempts > 5)
            assert bench.rows()["a"].fault == "switch cannot be"
            assert bench.write(lambda tx: bench.jobs.cancel(tx, "id-a")) is False
            (bench.folder / "mended").touch()
            await bench.until(lambda: not bench.rows())

    go(main())
    assert [line.split()[2] for line in bench.mover.effects()][-2:] == ["switch", "clean"]
    assert bench.mover.ended == []


def test_a_cancelled_job_is_stopped_and_undone(bench: Bench) -> None:
    async def main() -> None:
        bench.begin("a", wait="check")
        async with bench.working():
            await bench.until(lambda: bench.said("a waits"))
            assert bench.write(lambda tx: bench.jobs.cancel(tx, "id-a")) is True
            await bench.until(lambda: bench.mover.ended)
            assert bench.write(lambda tx: bench.jobs.cancel(tx, "id-a")) is False

    go(main())
    assert bench.mover.effects() == ["me: a copy 0", "me: a waits", "me: a uncopy"]
    assert bench.mover.ended == ["a: it was cancelled"]


def test_one_that_was_never_begun_is_cancelled_too(bench: Bench) -> None:
    async def main() -> None:
        bench.begin("a")
        bench.write(lambda tx: bench.jobs.cancel(tx, "id-a"))
        async with bench.working():
            await bench.until(lambda: bench.mover.ended)

    go(main())
    assert bench.mover.effects() == ["me: a uncopy"]


def test_four_slow_jobs_of_one_tenant_hold_up_nobody(bench: Bench) -> None:
    async def main() -> None:
        for n in range(6):
            bench.begin(f"slow{n}", "greedy", wait="copy")
        for project in ("b", "c", "d"):
            bench.begin(f"quick-{project}", project)
        async with bench.working():
            await bench.until(lambda: all(bench.said(f"quick-{p} clean") for p in "bcd"))
            await bench.until(lambda: not {f"quick-{p}" for p in "bcd"} & bench.rows().keys())
            running = {s for s, row in bench.rows().items() if row.lease_by is not None}
            assert len(running) == 2
            (bench.folder / "go").touch()
            await bench.until(lambda: not bench.rows())

    go(main())


def test_projects_are_served_in_turns(tmp_path: Path) -> None:
    bench = Bench(tmp_path, slots=1, slots_per_project=1)
    for subject, project in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "")):
        bench.begin(subject, project)

    async def main() -> None:
        async with bench.working():
            await bench.until(lambda: not bench.rows())

    go(main())
    order = [line.split()[1] for line in bench.mover.effects() if line.endswith("clean")]
    assert order == ["c1", "a1", "b1", "a2", "a3"]


def test_who_has_lost_the_lease_stops_before_its_next_effect(bench: Bench) -> None:
    async def main() -> None:
        bench.begin("a", wait="check")
        async with bench.working():
            await bench.until(lambda: bench.said("a waits"))
            row = bench.rows()["a"]
            taken = {"epoch": row.epoch + 1, "lease_by": "another"}
            bench.write(lambda tx: tx.update(row, **taken))
            await bench.until(lambda: bench.runner.live == 0)
            (bench.folder / "go").touch()
            await asyncio.sleep(0.1)
            assert bench.rows()["a"].step == "check"
            assert bench.rows()["a"].lease_by == "another"

    go(main())
    assert bench.mover.effects() == ["me: a copy 0", "me: a waits"]


def test_a_dropped_job_is_stopped(bench: Bench) -> None:
    async def main() -> None:
        bench.begin("a", wait="check")
        async with bench.working():
            await bench.until(lambda: bench.said("a waits"))
            assert bench.write(lambda tx: bench.jobs.drop(tx, "id-a"))
            await bench.until(lambda: bench.runner.live == 0)

    go(main())
    assert bench.mover.effects() == ["me: a copy 0", "me: a waits"]


def test_the_service_cannot_write_without_the_lease(bench: Bench) -> None:
    row = bench.begin("a")
    run = Run(bench.database, bench.jobs.kinds[NAME], row)

    async def main() -> None:
        assert await run.write(lambda tx: 7) == 7
        await run.hold()
        bench.write(lambda tx: tx.update(row, epoch=1))
        with pytest.raises(Lost):
            await run.write(lambda tx: 7)
        with pytest.raises(Lost):
            await run.hold()

    go(main())


def test_who_cannot_renew_in_time_stops_by_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = JobRunner(bench.database, bench.jobs, lease=0.3, beat=0.05)
    bench.runner = runner

    def away(tx: Tx) -> None:
        raise OSError("no database")

    async def main() -> None:
        bench.begin("a", wait="check")
        async with bench.working():
            await bench.until(lambda: bench.said("a waits"))
            monkeypatch.setattr(runner, "_renew_all", away)
            first = bench.jobs.live["id-a"]
            await bench.until(lambda: first.lost)
            monkeypatch.undo()

    go(main())


def test_a_node_without_files_does_what_needs_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.jobs.kinds[NAME].anywhere = True
    bench.jobs.add(Kind("lamp.file", Memo, [Step("write", _never)]))
    bench.runner = JobRunner(bench.database, bench.jobs, beat=0.05, content=False)

    async def main() -> None:
        bench.begin("a")
        bench.write(lambda tx: bench.jobs.begin(tx, "lamp.file", "b", Memo()))
        async with bench.working():
            await bench.until(lambda: list(bench.rows()) == ["b"])
            bench.jobs.ring()
            await asyncio.sleep(0.1)
            assert bench.rows()["b"].attempts == 0

    go(main())


def test_a_machine_whose_clock_is_wrong_takes_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    off = [60.0]
    bench.runner = JobRunner(bench.database, bench.jobs, beat=0.05, ahead=lambda: off[0])

    async def main() -> None:
        bench.begin("a")
        async with bench.working():
            await asyncio.sleep(0.1)
            assert bench.rows()["a"].attempts == 0
            off[0] = -0.5
            bench.jobs.ring()
            await bench.until(lambda: not bench.rows())

    go(main())


async def _never(run: Run[Memo]) -> Outcome[Memo]:
    raise AssertionError("the files are not here")


def test_a_process_that_ends_in_good_order_gives_its_leases_back(bench: Bench) -> None:
    async def main() -> None:
        bench.begin("a", wait="check")
        async with bench.working():
            await bench.until(lambda: bench.said("a waits"))
        row = bench.rows()["a"]
        assert (row.lease_by, row.step, row.attempts) == (None, "check", 0)

    go(main())


def test_a_pause_frees_the_slot_and_ends_with_news(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    seen: list[str] = []

    async def listen(run: Run[Memo]) -> Outcome[Memo]:
        seen.append(f"{run.attempt}: {run.memo.copied}")
        if run.memo.copied == 0:
            return run.pause(3600.0, memo=Memo(copied=1))
        return run.next()

    bench.jobs.add(Kind("test.wait", Memo, [Step("listen", listen)], slots=1))

    async def main() -> None:
        begun = bench.write(lambda tx: bench.jobs.begin(tx, "test.wait", "w", Memo()))
        async with bench.working():
            await bench.until(lambda: seen and bench.runner.live == 0)
            assert bench.rows()["w"].lease_by is None
            bench.write(lambda tx: bench.jobs.nudge(tx, begun.id))
            await bench.until(lambda: not bench.rows())

    go(main())
    assert seen == ["1: 0", "1: 1"]


def test_news_during_the_work_are_not_lost(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rounds: list[int] = []

    async def listen(run: Run[Memo]) -> Outcome[Memo]:
        rounds.append(run.attempt)
        if len(rounds) > 1:
            return run.end()
        await run.write(lambda tx: bench.jobs.nudge(tx, run.id))
        return run.pause(3600.0)

    bench.jobs.add(Kind("test.wait", Memo, [Step("listen", listen)]))

    async def main() -> None:
        bench.write(lambda tx: bench.jobs.begin(tx, "test.wait", "w", Memo()))
        async with bench.working():
            await bench.until(lambda: not bench.rows())

    go(main())
    assert rounds == [1, 1]


def test_a_step_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    ended: list[str] = []

    async def sleep(run: Run[Memo]) -> Outcome[Memo]:
        await asyncio.sleep(60)
        return run.next()

    steps = [Step("sleep", sleep, seconds=0.02)]
    kind = Kind(
        "test.slow", Memo, steps, attempts=1, undone=lambda tx, job: ended.append(job.reason)
    )
    bench.jobs.add(kind)

    async def main() -> None:
        bench.write(lambda tx: bench.jobs.begin(tx, "test.slow", "s", Memo()))
        async with bench.working():
            await bench.until(lambda: ended)

    go(main())
    assert set(ended) == {"it took too long"}


def test_one_that_nobody_understands_is_kept_and_says_so(bench: Bench) -> None:
    row = bench.begin("a")
    bench.write(lambda tx: tx.update(row, step="of another release"))

    async def main() -> None:
        async with bench.working():
            await bench.until(lambda: bench.rows()["a"].fault)

    go(main())
    assert bench.rows()["a"].fault == "not understood: no step is called of another release"


def test_progress_is_stored_with_the_beat(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def count(run: Run[Memo]) -> Outcome[Memo]:
        run.note(41)
        while not (tmp_path / "go").exists():
            await asyncio.sleep(0.01)
        return run.next()

    bench.jobs.add(Kind("test.count", Memo, [Step("count", count)]))

    async def main() -> None:
        bench.write(lambda tx: bench.jobs.begin(tx, "test.count", "c", Memo()))
        async with bench.working():
            await bench.until(lambda: bench.rows()["c"].progress == 41)
            (tmp_path / "go").touch()
            await bench.until(lambda: not bench.rows())

    go(main())


def test_a_backlog_of_one_project_costs_the_others_nothing(bench: Bench) -> None:
    """How many rows a claim reads does not grow with what one project has waiting."""
    wanted = queries.AFTER.compiled("sqlite")
    text, values = wanted.bind({"kind": NAME, "project": "a", "now": "z"}, ":{}")
    plan = bench.database._connection.execute("EXPLAIN QUERY PLAN " + text, values).fetchall()
    assert "ix_jobs_kind_project_id_due" in plan[0][3]
    assert not any("TEMP B-TREE" in step[3] for step in plan)


def test_kinds_are_checked_when_they_are_declared(bench: Bench) -> None:
    async def do(run: Run[Memo]) -> Outcome[Memo]:
        return run.next()

    async def undo(run: Run[Memo]) -> None:
        return None

    with pytest.raises(ValueError, match="no undo"):
        Kind("x", Memo, [Step("a", do, no_return=True), Step("b", do, undo=undo)])
    with pytest.raises(ValueError, match="names of their own"):
        Kind("x", Memo, [Step("a", do), Step("a", do)])
    jobs = Jobs(bench.database)
    jobs.add(Kind("x", Memo, [Step("a", do)]))
    with pytest.raises(ValueError, match="already"):
        jobs.add(Kind("x", Memo, [Step("a", do)]))


def test_what_a_request_holds_is_cleaned_up_when_its_process_dies(bench: Bench) -> None:
    async def main() -> None:
        def begin(tx: Tx) -> Run[Memo]:
            return bench.jobs.hold(tx, NAME, "a", Memo(), id="id-a")

        async with bench.working():
            run = bench.write(begin)
            await asyncio.sleep(0.2)
            run.check()
            assert bench.rows()["a"].lease_by == bench.jobs.me
            assert not bench.database.read_now(lambda tx: bench.jobs.abandoned(tx, "id-a"))
            bench.write(lambda tx: bench.jobs.release(tx, run))
            assert (bench.rows(), bench.jobs.live) == ({}, {})
        assert bench.mover.effects() == []
        dead = Jobs(bench.database)
        dead.kinds = bench.jobs.kinds
        bench.write(lambda tx: dead.hold(tx, NAME, "a", Memo(), id="id-a"))
        assert bench.database.read_now(lambda tx: bench.jobs.abandoned(tx, "id-a"))
        async with bench.working():
            await bench.until(lambda: not bench.rows())

    go(main())
    assert len(bench.mover.effects()) == 4


def test_what_is_dropped_under_a_request_is_lost_to_it(bench: Bench) -> None:
    run = bench.write(lambda tx: bench.jobs.hold(tx, NAME, "a", Memo(), id="id-a"))
    bench.write(lambda tx: bench.jobs.drop(tx, "id-a"))
    with pytest.raises(Lost):
        run.check()
    with pytest.raises(Lost):
        bench.write(lambda tx: bench.jobs.release(tx, run))
