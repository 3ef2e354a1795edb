"""The worker of jobs: takes leases, does steps, commits, undoes. See `jobs` for what it promises.

Everything that a job's step does runs in a task of its own, which is cancelled when the lease is
lost or the job is cancelled; commits are never cancelled, they end one way or the other.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from cumulo.core.clock import later, seconds_of
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Fault
from cumulo.core.sim.points import reach
from cumulo.core.work import queries
from cumulo.core.work.jobs import BEAT, LEASE, Cancelled, Job, Jobs, Kind, Live, Lost, Outcome, Run
from cumulo.core.work.model import JobRow
from cumulo.core.work.reconciler import backoff

log = logging.getLogger("cumulo.jobs")

SWEEP = 5.0
TEXT_LENGTH = 2000
CANCELLED = "it was cancelled"


class JobRunner:
    """Works on jobs until it is cancelled. `content`: the files are here."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        *,
        lease: float = LEASE,
        beat: float = BEAT,
        content: bool = True,
        ahead: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`ahead`: seconds by which this machine's clock is ahead of the database's. Leases end by
        the clocks of machines: one that is wrong takes no work, lest it takes what others do."""
        self._content = content
        self._ahead = ahead
        self._database = database
        self._lease = lease
        self._beat = beat
        self._jobs = jobs
        self._live = jobs.live
        self._turns: dict[str, str] = {}
        """Of each kind, the project that was served last."""

    @property
    def live(self) -> int:
        """Jobs that this process works on."""
        return len(self._live)

    async def run(self) -> None:
        if not self._database.several:
            # There is no other process: leases are of one that is gone.
            await self._database.write(
                lambda tx: tx.run(queries.RELEASE_ALL, now=tx.now, me=self._jobs.me),
                name="take over jobs",
            )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beats())
            while True:
                pause = SWEEP
                try:
                    for live in await self._claim():
                        group.create_task(self._work(live))
                    pause = await self._database.read(_until_the_next)
                except Exception:  # the database is away: the next pass finds the same work
                    log.exception("jobs: the pass failed")
                await self._jobs.wakeup.wait(pause)

    # --- leases --------------------------------------------------------------------------------

    async def _claim(self) -> list[Live]:
        def claim(tx: Tx) -> list[JobRow]:
            kinds = [k for k in self._jobs.kinds.values() if self._content or k.anywhere]
            return [row for kind in kinds for row in self._take(tx, kind)]

        if abs(self._ahead()) > self._lease / 3:
            log.warning("this machine's clock is %.0f s off: it takes no jobs", self._ahead())
            return []
        if not await self._database.read(lambda tx: tx.value(queries.ANY_DUE, now=tx.now)):
            return []
        rows = await self._database.write(claim, name="claim jobs")
        for row in rows:
            self._live[row.id] = Live(row)
            self._turns[row.kind] = row.project_id
        return [self._live[row.id] for row in rows]

    def _take(self, tx: Tx, kind: Kind[Any]) -> list[JobRow]:
        """Leases of due jobs for the free slots of a kind: the projects in turns."""
        running = Counter(each.row.project_id for each in self._of(kind))
        free = kind.slots - running.total()
        taken: list[JobRow] = []
        for _ in range(kind.slots_per_project):
            before = len(taken)
            for row in self._around(tx, kind) if free > 0 else ():
                if running[row.project_id] >= kind.slots_per_project or row.id in self._live:
                    continue
                running[row.project_id] += 1
                free -= 1
                taken.append(_lease(tx, row, self._jobs.me, self._lease))
                if free == 0:
                    break
            if len(taken) == before:
                break
        return taken

    def _around(self, tx: Tx, kind: Kind[Any]) -> Iterator[JobRow]:
        """The oldest due job of each project, beginning after the one that was served last."""
        last = self._turns.get(kind.name)
        if last is not None:
            project, row = last, tx.one(queries.AFTER, kind=kind.name, project=last, now=tx.now)
            while row is not None:
                yield row
                project = row.project_id
                row = tx.one(queries.AFTER, kind=kind.name, project=project, now=tx.now)
        row = tx.one(queries.FROM, kind=kind.name, project="", now=tx.now)
        while row is not None and (last is None or row.project_id <= last):
            yield row
            row = tx.one(queries.AFTER, kind=kind.name, project=row.project_id, now=tx.now)

    def _of(self, kind: Kind[Any]) -> list[Live]:
        return [
            each
            for each in list(self._live.values())
            if each.row.kind == kind.name and not each.held
        ]

    async def _beats(self) -> None:
        """Renews all leases of this process. Who cannot, for as long as a lease lasts, stops its
        work before somebody else may begin it."""
        while True:
            await asyncio.sleep(self._beat)
            if not self._live:
                continue
            with contextlib.suppress(Exception):  # the next beat may reach the database again
                async with asyncio.timeout(self._beat):
                    await self._database.write(self._renew_all, name="renew jobs")
            for each in self._live.values():
                if (
                    each.run is not None
                    and time.monotonic() > each.run.renewed + self._lease - self._beat
                ):
                    log.warning("job %s: the lease could not be renewed", each.row.id)
                    each.lose()

    def _renew_all(self, tx: Tx) -> None:
        for each in list(self._live.values()):
            run = each.run
            if run is None:
                continue
            try:
                cancel = run.renew(tx)
            except Lost:
                tx.after_commit(partial(_is_gone, each, run))
                continue
            tx.after_commit(partial(_renewed, run, tx.began))
            if cancel:
                tx.after_commit(each.cancel)

    # --- one job -------------------------------------------------------------------------------

    async def _work(self, live: Live) -> None:
        """Step after step, until it ends, pauses, fails or is lost."""
        row: JobRow | None = live.row
        try:
            while row is not None and not live.lost:
                row = await self._step(live, row)
        except Lost:
            log.warning("job %s: another process has it", live.row.id)
        except asyncio.CancelledError:
            # This process ends in good order: somebody else may go on at once.
            with contextlib.suppress(Exception):
                await self._release(live)
            raise
        except Exception:  # the lease ends, and the step is tried again
            log.exception("job %s", live.row.id)
        finally:
            del self._live[live.row.id]
            self._jobs.wakeup.ring()

    async def _step(self, live: Live, row: JobRow) -> JobRow | None:
        """One step of the job, forward or back; the row after it, None: nothing more for now."""
        kind = self._jobs.kinds[row.kind]
        live.row = row
        try:
            if row.step not in kind.steps:
                raise msgspec.ValidationError(f"no step is called {row.step}")
            run = Run(self._database, kind, row, self._lease)
        except msgspec.ValidationError as error:
            # Another release wrote it: nobody here knows how to go on, or back.
            return await self._put_off(live, f"not understood: {error}")
        live.run, live.cancelled = run, False
        if row.undoing:
            return await self._undo(live, run)
        if row.cancel and kind.reversible(row.step):
            return await self._turn_back(live, run, CANCELLED)
        if row.attempts > kind.attempts and kind.reversible(row.step):
            tries = f"given up after {kind.attempts} tries"
            return await self._turn_back(live, run, f"{tries}: {row.fault or 'interrupted'}")
        return await self._do(live, run)

    async def _do(self, live: Live, run: Run[Any]) -> JobRow | None:
        kind, step = run.kind, run.kind.steps[run.step]
        name = f"{kind.name} {step.name}"
        try:
            reach(f"before step: {name}")
            outcome: Outcome[Any] = await self._in_task(live, step.do(run), step.seconds)
            reach(f"after step: {name}")
            return await self._write(live, partial(_commit, run=run, outcome=outcome), name)
        except Lost:
            raise
        except Cancelled:
            return await self._turn_back(live, run, CANCELLED)
        except Exception as error:
            final = isinstance(error, kind.final)
            if not final:
                log.warning(
                    "job %s (%s): %s", run.id, name, _text(error), exc_info=not run.row.fault
                )
            if kind.reversible(run.step) and (final or run.attempt >= kind.attempts):
                return await self._turn_back(live, run, _text(error))
            return await self._put_off(live, _text(error))

    async def _undo(self, live: Live, run: Run[Any]) -> JobRow | None:
        kind, step = run.kind, run.kind.steps[run.step]
        name = f"{kind.name} {step.name} undone"
        try:
            reach(f"before step: {name}")
            change = None
            if step.undo is not None:
                change = await self._in_task(live, step.undo(run), step.seconds)
            reach(f"after step: {name}")
            return await self._write(live, partial(_undone, run=run, change=change), name)
        except Lost:
            raise
        except Exception as error:
            log.warning("job %s (%s): %s", run.id, name, _text(error), exc_info=not run.row.fault)
            return await self._put_off(live, f"undo: {_text(error)}")

    async def _in_task(self, live: Live, work: Any, seconds: float | None) -> Any:
        """The step in a task of its own. Raises Lost or Cancelled when it was stopped for that."""
        live.task = asyncio.create_task(_bounded(work, seconds))
        if live.lost:
            live.task.cancel()
        try:
            return await live.task
        except asyncio.CancelledError:
            if live.lost:
                raise Lost(live.row.id) from None
            task = asyncio.current_task()
            if task is not None and task.cancelling() > 0:
                raise
            if live.cancelled:
                raise Cancelled from None
            raise InterruptedError("what the step waited for was cancelled") from None
        finally:
            live.task = None

    async def _turn_back(self, live: Live, run: Run[Any], reason: str) -> JobRow | None:
        return await self._write(live, partial(_turned_back, run=run, reason=reason), "turns back")

    async def _put_off(self, live: Live, fault: str) -> JobRow | None:
        return await self._write(live, partial(_put_off, row=live.row, fault=fault), "put off")

    async def _write(
        self, live: Live, function: Callable[[Tx], JobRow | None], name: str
    ) -> JobRow | None:
        """The end of a step. From here on the beat leaves the job alone: its row moves."""
        live.run = None
        return await self._database.write(function, name=f"job {name}")

    async def _release(self, live: Live) -> None:
        row = live.row
        ours = {"job": row.id, "at_step": row.step, "lease": row.epoch}
        await self._database.write(
            lambda tx: tx.run(queries.RELEASE, now=tx.now, **ours), name="release job"
        )


def _text(error: BaseException) -> str:
    """What a user is told of an exception."""
    if isinstance(error, Fault):
        return error.message
    if isinstance(error, TimeoutError) and not str(error):
        return "it took too long"
    text = str(error)
    return text or type(error).__name__


def _until_the_next(tx: Tx) -> float:
    """Seconds until the next job is due; those that wait for a slot are due already, and the
    bell is rung when one is free."""
    due = tx.value(queries.EARLIEST, now=tx.now)
    return SWEEP if due is None else min(SWEEP, seconds_of(due) - seconds_of(tx.now))


def _lease(tx: Tx, row: JobRow, me: str, seconds: float) -> JobRow:
    return tx.update(
        row,
        lease_by=me,
        epoch=row.epoch + 1,
        attempts=row.attempts + 1,
        due=later(tx.now, seconds),
        nudged=False,
    )


def _is_gone(live: Live, run: Run[Any]) -> None:
    """A renewal found no row: unless the step was committed meanwhile, it is lost."""
    if live.run is run:
        live.lose()


def _renewed(run: Run[Any], at: float) -> None:
    run.renewed = max(run.renewed, at)


def _commit(tx: Tx, run: Run[Any], outcome: Outcome[Any]) -> JobRow | None:
    """The end of a step: the service's rows and the job's own move, together or not at all."""
    row = run.still(tx)
    memo = None if outcome.change is None else outcome.change(tx)
    memo = outcome.memo if memo is None else memo
    if outcome.step is None:
        tx.delete(row)
        return None
    changes: dict[str, Any] = {"updated_at": tx.now, "fault": None, "progress": 0}
    if memo is not None:
        changes["memo"] = msgspec.to_builtins(memo)
    if row.cancel and run.kind.reversible(row.step):
        return _turn(tx, tx.update(row, **changes), run, CANCELLED)
    changes |= {"step": outcome.step, "attempts": 1, "due": run.until(tx)}
    if outcome.pause == 0.0:
        return tx.update(row, **changes)
    pause = 0.0 if row.nudged else outcome.pause
    changes |= {"attempts": 0, "due": later(tx.now, pause), "lease_by": None, "nudged": False}
    tx.update(row, **changes)
    return None


def _turned_back(tx: Tx, run: Run[Any], reason: str) -> JobRow | None:
    return _turn(tx, run.still(tx), run, reason)


def _turn(tx: Tx, row: JobRow, run: Run[Any], reason: str) -> JobRow | None:
    """From here it goes backwards. The epoch grows, so that what the step may still have under
    way cannot be committed any more."""
    if row.cancel:
        reason = row.reason or reason
    _tell(tx, row, "undo", step=row.step, reason=reason[:500])
    first = run.kind.undoable(row.step, itself=True)
    row = tx.update(
        row,
        undoing=True,
        reason=reason[:TEXT_LENGTH],
        fault=None,
        step=first or row.step,
        epoch=row.epoch + 1,
        attempts=1,
        progress=0,
        due=run.until(tx),
        updated_at=tx.now,
    )
    if first is not None:
        return row
    _end_undone(tx, row, run.kind)
    return None


def _undone(tx: Tx, run: Run[Any], change: Callable[[Tx], None] | None) -> JobRow | None:
    row = run.still(tx)
    if change is not None:
        change(tx)
    before = run.kind.undoable(row.step, itself=False)
    if before is None:
        _end_undone(tx, row, run.kind)
        return None
    due = run.until(tx)
    return tx.update(row, step=before, fault=None, attempts=1, due=due, updated_at=tx.now)


def _end_undone(tx: Tx, row: JobRow, kind: Kind[Any]) -> None:
    kind.undone(tx, Job(kind, row))
    tx.delete(row)


def _put_off(tx: Tx, row: JobRow, fault: str) -> None:
    """Failed for now: again after a pause, by whoever is free then."""
    now = tx.one(queries.STILL, job=row.id, at_step=row.step, lease=row.epoch)
    if now is None:
        return
    fault = fault[:TEXT_LENGTH]
    if now.fault != fault:
        _tell(tx, now, "failed", step=now.step, reason=fault[:500])
    due = tx.now if now.nudged else later(tx.now, backoff(now.attempts - 1))
    tx.update(now, fault=fault, lease_by=None, due=due, nudged=False, updated_at=tx.now)


def _tell(tx: Tx, row: JobRow, what: str, **detail: Any) -> None:
    """A line of the subject's story."""
    emit(tx, f"{row.kind}.{what}", row.subject, project_id=row.project_id or None, **detail)


async def _bounded(work: Any, seconds: float | None) -> Any:
    async with asyncio.timeout(seconds):
        return await work
