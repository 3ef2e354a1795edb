"""Jobs: durable work that has an order and, somewhere in it, a point of no return.

A job is a row (`model.JobRow`) that exists exactly while there is something to do. A service
declares each kind of job as data: its memo's type and its steps, each with what to `do` and, before
the point of no return, how to `undo` it:

    IMPORT = Kind("image.import", Memo, [
        Step("fetch", do=fetch, undo=unfetch),
        Step("publish", do=publish, no_return=True),
    ], undone=say_why, slots=4, slots_per_project=2)

    jobs.add(IMPORT)                                                   # once, where it is built
    jobs.begin(tx, "image.import", image.id, Memo(url), project_id=p)  # in a request's transaction

    async def fetch(run: Run[Memo]) -> Outcome[Memo]:
        await download(run.memo.url, run.note)         # an effect that may be done twice
        return run.next(lambda tx: mark_fetched(tx))   # one transaction with the job's own move

What holds, whatever dies and whenever:

* A step is done until its commit is durable: a kill between effect and commit does the effect
  again. The commit is a compare-and-swap on (id, step, epoch).
* Who works on a job has its lease and renews it. Who loses it (a process that hung, a database that
  was away) is stopped at once, and can commit nothing: the next holder has another epoch. Before an
  effect that must not happen twice at the same time, `await run.hold()`.
* A step that fails is tried again with growing pauses; after `attempts` tries, or at once for the
  `final` exceptions, the steps are undone backwards from the one that failed, which may have been
  half done; then `undone` writes what became of it, and the row goes. `undo` may meet a step that
  was never begun, and is tried until it succeeds.
* From the step that is marked `no_return` on nothing is undone and nothing cancelled: it is tried,
  with pauses, until it succeeds; the row says why it did not yet.
* At once run at most `slots` jobs of a kind in a process, `slots_per_project` of one project, the
  projects in turns: one tenant's slow work holds up nobody else's.

* Of several control nodes the one that has the files does all kinds, the others those that are
  done `anywhere`.

`runner.JobRunner` does the work; a process without one can still begin and cancel jobs.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from cumulo.core.clock import Moment, later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.types import events, on
from cumulo.core.faults import Fault
from cumulo.core.ids import new_id
from cumulo.core.work import queries
from cumulo.core.work.model import JobRow
from cumulo.core.work.wakeups import Wakeup

M = TypeVar("M", bound=msgspec.Struct)
T = TypeVar("T")

LEASE = 20.0
"""Seconds after which somebody else may go on."""
BEAT = 4.0
"""Seconds between two renewals."""


class Failed(Exception):
    """A step cannot succeed, and trying again would not help; the text is for the user."""


class Lost(Exception):
    """The lease is another process's, or the job is gone: nothing more may be done here."""


class Cancelled(Exception):
    """The job is to be undone, and the step asked in time."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[M]):
    """How a step ended; made by the methods of `Run`. It takes effect by one transaction."""

    step: str | None
    """The next step; None: the job is done."""
    change: "Callable[[Tx], M | None] | None" = None
    memo: M | None = None
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Step(Generic[M]):
    name: str
    do: "Callable[[Run[M]], Awaitable[Outcome[M]]]"
    undo: "Callable[[Run[M]], Awaitable[Callable[[Tx], None] | None]] | None" = None
    """Takes back what `do` did, wholly or in part; what it returns is run in the transaction
    that says so."""
    no_return: bool = False
    """From this step on there is no way back."""
    seconds: float | None = None
    """How long one try may take; a longer one is stopped and has failed."""


def _nothing(tx: Tx, job: "Job[Any]") -> None:
    """For kinds that write nothing when they were undone: the event tells it."""


class Kind(Generic[M]):
    """One kind of job; see the module's text."""

    def __init__(
        self,
        name: str,
        memo: type[M],
        steps: Sequence[Step[M]],
        *,
        undone: "Callable[[Tx, Job[M]], None]" = _nothing,
        slots: int = 8,
        slots_per_project: int = 2,
        attempts: int = 5,
        final: tuple[type[Exception], ...] = (Fault,),
        anywhere: bool = False,
    ) -> None:
        self.name = name
        self.anywhere = anywhere
        """It needs no files of the node that has them: any control node may do it."""
        noun = name.partition(".")[0]
        events(noun, on(noun, f"{name}.failed", f"{name}.undo", step=str, reason=str))
        self.memo = memo
        self.steps = {step.name: step for step in steps}
        self.order = [step.name for step in steps]
        if not steps or len(self.steps) < len(steps):
            raise ValueError(f"{name}: steps need names of their own")
        self.undone = undone
        """The last transaction of a job that was undone; `job.reason` says why."""
        self.slots = slots
        self.slots_per_project = slots_per_project
        self.attempts = attempts
        self.final: tuple[type[Exception], ...] = (Failed, *final)
        """Exceptions whose text is for the user, and after which trying again does not help."""
        beyond = [n for n, step in enumerate(steps) if step.no_return]
        self._no_return = beyond[0] if beyond else len(steps)
        late = [s.name for s in steps[self._no_return :] if s.undo is not None]
        if late:
            raise ValueError(f"{name}: {late} are beyond the point of no return: no undo")

    def reversible(self, step: str) -> bool:
        return self.order.index(step) < self._no_return

    def after(self, step: str) -> str | None:
        following = self.order[self.order.index(step) + 1 :]
        return following[0] if following else None

    def undoable(self, step: str, *, itself: bool) -> str | None:
        """The next step to undo on the way back from `step`; None: there is nothing to undo."""
        place = self.order.index(step) + itself
        return next((n for n in reversed(self.order[:place]) if self.steps[n].undo), None)


class Job(Generic[M]):
    """What a job is, as its row says, with its memo in its own type."""

    def __init__(self, kind: Kind[M], row: JobRow) -> None:
        self.kind = kind
        self.row = row
        self.memo: M = msgspec.convert(row.memo, kind.memo)

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def subject(self) -> str:
        return self.row.subject

    @property
    def project_id(self) -> str:
        return self.row.project_id

    @property
    def step(self) -> str:
        return self.row.step

    @property
    def attempt(self) -> int:
        """1 for the first try of this step."""
        return self.row.attempts

    @property
    def reason(self) -> str:
        """Why it is undone."""
        return self.row.reason or ""


class Run(Job[M]):
    """A job while this process works on it: what steps are given."""

    def __init__(
        self, database: Database, kind: Kind[M], row: JobRow, lease: float = LEASE
    ) -> None:
        super().__init__(kind, row)
        self._lease = lease
        self._database = database
        self.progress = 0
        self.renewed = time.monotonic()
        self.lost = False

    def note(self, progress: int) -> None:
        """How far the step is; stored with the next beat of the lease."""
        self.progress = progress

    # --- how a step ends -----------------------------------------------------------------------

    def next(
        self, change: Callable[[Tx], M | None] | None = None, *, memo: M | None = None
    ) -> Outcome[M]:
        """On with the following step, or the end after the last one. `change` is what the
        service writes in the same transaction; it may give the memo, as `memo` does."""
        return Outcome(self.kind.after(self.step), change, memo)

    def go(
        self, step: str, change: Callable[[Tx], M | None] | None = None, *, memo: M | None = None
    ) -> Outcome[M]:
        """On with a step by its name; with its own it is done once more, for the next part."""
        if step not in self.kind.steps:
            raise KeyError(step)
        return Outcome(step, change, memo)

    def end(self, change: Callable[[Tx], M | None] | None = None) -> Outcome[M]:
        """The job is done, whatever steps would follow."""
        return Outcome(None, change)

    def pause(
        self,
        seconds: float,
        change: Callable[[Tx], M | None] | None = None,
        *,
        memo: M | None = None,
    ) -> Outcome[M]:
        """The same step again after a while, or when `Jobs.nudge` says that there is news. The
        slot is free meanwhile; that is no failure and counts as no try."""
        return Outcome(self.step, change, memo, max(seconds, 0.001))

    # --- the lease -----------------------------------------------------------------------------

    def check(self) -> None:
        """As far as this process knows, the lease is ours. Costs nothing. Raises Lost."""
        if self.lost or time.monotonic() > self.renewed + self._lease:
            raise Lost(self.id)

    async def hold(self) -> None:
        """Make sure, in the database, that the lease is ours for its whole time from now. Raises
        Lost, and Cancelled where the job can still be undone."""

        def renew(tx: Tx) -> tuple[float, bool]:
            return tx.began, self.renew(tx)

        self.renewed, cancel = await self._database.write(renew, name=f"job {self.kind.name} held")
        if cancel and not self.row.undoing and self.kind.reversible(self.step):
            raise Cancelled

    def renew(self, tx: Tx) -> bool:
        """The lease from now on, in this transaction; whether the job is to be cancelled. Raises
        Lost."""
        found = tx.changed(queries.RENEW, until=self.until(tx), done=self.progress, **self._ours)
        if not found:
            raise Lost(self.id)
        return bool(found[0][0])

    def until(self, tx: Tx) -> Moment:
        """The end of a lease that is taken now."""
        return later(tx.now, self._lease)

    def still(self, tx: Tx) -> JobRow:
        """The row, if it is still ours and at this step. Raises Lost."""
        row = tx.one(queries.STILL, **self._ours)
        if row is None:
            raise Lost(self.id)
        return row

    @property
    def _ours(self) -> dict[str, Any]:
        return {"job": self.row.id, "at_step": self.row.step, "lease": self.row.epoch}

    async def write(self, function: Callable[[Tx], T]) -> T:
        """A transaction in the middle of a step, refused with Lost if the lease is not ours."""

        def mine(tx: Tx) -> T:
            self.still(tx)
            return function(tx)

        return await self._database.write(mine, name=f"job {self.kind.name} {self.step}: middle")

    async def read(self, function: Callable[[Tx], T]) -> T:
        return await self._database.read(function)


class Live:
    """A job that this process has the lease of, and the task that its present step runs in."""

    def __init__(self, row: JobRow, *, held: bool = False) -> None:
        self.row = row
        self.held = held
        """A request is at it, not the runner."""
        self.run: Run[Any] | None = None
        self.task: asyncio.Task[Any] | None = None
        self.lost = False
        self.cancelled = False

    def lose(self) -> None:
        self.lost = True
        if self.run is not None:
            self.run.lost = True
        if self.task is not None:
            self.task.cancel()

    def cancel(self) -> None:
        run = self.run
        if run is None or self.held or run.row.undoing or not run.kind.reversible(run.step):
            return
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()


class Jobs:
    """What requests and reconcilers do with jobs: begin, cancel, nudge, look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.kinds: dict[str, Kind[Any]] = {}
        self.wakeup = Wakeup()
        self.ring: Callable[[], None] = self.wakeup.ring
        """There may be work, here or where it is done."""
        self.me = f"{socket.gethostname()}/{os.getpid()}/{id(self)}"
        """This process, as leases name it."""
        self.live: dict[str, Live] = {}

    def add(self, kind: Kind[Any]) -> None:
        if kind.name in self.kinds:
            raise ValueError(f"there is a kind of jobs called {kind.name} already")
        self.kinds[kind.name] = kind

    def begin(
        self,
        tx: Tx,
        kind: str,
        subject: str,
        memo: msgspec.Struct,
        *,
        project_id: str | None = None,
        id: str | None = None,
        step: str | None = None,
        delay: float = 0.0,
    ) -> JobRow:
        """A new job, begun after the commit. Raises IntegrityError for an id that is taken."""
        row = self._row(tx, kind, subject, memo, project_id, id, step)
        row = msgspec.structs.replace(row, due=later(tx.now, delay))
        tx.insert(row)
        tx.after_commit(self.ring)
        return row

    def hold(
        self,
        tx: Tx,
        kind: str,
        subject: str,
        memo: M,
        *,
        project_id: str | None = None,
        id: str | None = None,
    ) -> Run[M]:
        """A job that the caller itself is at: a request with a long body. Its lease is renewed
        while this process lives; when it dies, the first step is done by somebody else, which
        is to clean up. The request ends it with `release` in its last transaction, or, if that
        cannot be had, with `let_go`."""
        row = self._row(tx, kind, subject, memo, project_id, id, None)
        row = msgspec.structs.replace(
            row, lease_by=self.me, epoch=1, attempts=1, due=later(tx.now, LEASE)
        )
        tx.insert(row)
        run: Run[M] = Run(self._database, self.kinds[kind], row)
        live = Live(row, held=True)
        live.run = run
        tx.after_commit(lambda: self.live.update({row.id: live}))
        return run

    def release(self, tx: Tx, run: Run[Any]) -> None:
        """The end of what a request held. Raises Lost."""
        tx.delete(run.still(tx))
        tx.after_commit(lambda: self.let_go(run))

    def let_go(self, run: Run[Any]) -> None:
        """Nobody here is at it any more; if its row is still there, it ends with the lease."""
        self.live.pop(run.id, None)

    def abandoned(self, tx: Tx, job_id: str) -> bool:
        """No process is at it."""
        row = tx.get(JobRow, job_id)
        if row is None or row.lease_by is None:
            return True
        if row.lease_by == self.me:
            return job_id not in self.live
        return not self._database.several or row.due <= tx.now

    def _row(
        self,
        tx: Tx,
        kind: str,
        subject: str,
        memo: msgspec.Struct,
        project_id: str | None,
        id: str | None,
        step: str | None,
    ) -> JobRow:
        known = self.kinds[kind]
        if not isinstance(memo, known.memo):
            raise TypeError(f"{kind}: its memo is a {known.memo.__name__}")
        first = step or known.order[0]
        if first not in known.steps:
            raise KeyError(first)
        return JobRow(
            id=id or new_id(),
            kind=kind,
            subject=subject,
            project_id=project_id or "",
            step=first,
            undoing=False,
            memo=msgspec.to_builtins(memo),
            epoch=0,
            lease_by=None,
            due=tx.now,
            attempts=0,
            nudged=False,
            cancel=False,
            progress=0,
            reason=None,
            fault=None,
            created_at=tx.now,
            updated_at=tx.now,
        )

    def get(self, tx: Tx, job_id: str) -> JobRow | None:
        return tx.get(JobRow, job_id)

    def of(self, tx: Tx, subject: str) -> list[JobRow]:
        """The jobs that are about this thing, the oldest first."""
        return tx.all(queries.OF, subject=subject)

    def cancel(self, tx: Tx, job_id: str, reason: str = "it was cancelled") -> bool:
        """Undo it, wherever it is; False when it is over, or beyond its point of no return."""
        row = tx.get(JobRow, job_id)
        if row is None:
            return False
        kind = self.kinds.get(row.kind)
        if not row.undoing and (kind is None or not kind.reversible(row.step)):
            return False
        if not row.cancel:
            due = tx.now if row.lease_by is None else row.due
            tx.update(row, cancel=True, reason=reason, due=due, updated_at=tx.now)
        tx.after_commit(lambda: self._with(job_id, Live.cancel))
        tx.after_commit(self.ring)
        return True

    def nudge(self, tx: Tx, job_id: str) -> None:
        """There is news for a job that pauses: it goes on at once."""
        row = tx.get(JobRow, job_id)
        if row is None:
            return
        if row.lease_by is None:
            tx.update(row, due=min(row.due, tx.now), updated_at=tx.now)
        else:
            tx.update(row, nudged=True, updated_at=tx.now)
        tx.after_commit(self.ring)

    def drop(self, tx: Tx, job_id: str) -> bool:
        """Forget it with nothing undone: whoever is at it loses its lease. For a subject that
        goes together with all that the job could have made."""
        row = tx.get(JobRow, job_id)
        if row is None or not tx.delete(row):
            return False
        tx.after_commit(lambda: self._with(job_id, Live.lose))
        return True

    def _with(self, job_id: str, what: Callable[[Live], None]) -> None:
        """If this process is at it, it hears of it at once; others do at their next beat."""
        live = self.live.get(job_id)
        if live is not None:
            what(live)

    def backlog(self, tx: Tx) -> dict[str, tuple[int, str]]:
        """For each kind that has work: how many jobs, and when the oldest began."""
        return {kind: (count, oldest) for kind, count, oldest in tx.tuples(queries.WAITING)}
