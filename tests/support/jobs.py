"""A kind of jobs for tests: its effects are lines of a file, so that nothing of them is rolled
back, and its steps do what the memo says. Also a program, which can be killed:

    python -m tests.support.jobs DATABASE FOLDER NAME [LEASE]

works on jobs until it is ended; DATABASE is a file of SQLite or a URL of PostgreSQL.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from cumulo import wiring
from cumulo.core.db import migrations
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.work.jobs import Failed, Job, Jobs, Kind, Outcome, Run, Step
from cumulo.core.work.runner import JobRunner
from cumulo.wiring import assemblies

NAME = "test.move"


class Memo(msgspec.Struct, frozen=True):
    fail: str = ""
    """The step that fails, for ever."""
    fault: str = "Failed"
    wait: str = ""
    """The step that waits until the file `go` is there."""
    copied: int = 0
    again: int = 1
    """How often `copy` is done, a part each time."""


class Mover:
    """copy (in parts) ─▶ check ─▶ switch (no return) ─▶ clean."""

    def __init__(self, folder: Path, name: str = "me") -> None:
        self.folder = folder
        self.name = name
        self.ended: list[str] = []

    def kind(self, *, slots: int = 8, slots_per_project: int = 2, attempts: int = 3) -> Kind[Memo]:
        steps = [
            Step("copy", self.copy, undo=self.uncopy),
            Step("check", self.check),
            Step("switch", self.switch, no_return=True),
            Step("clean", self.clean),
        ]
        return Kind(
            NAME, Memo, steps, undone=self.undone,
            slots=slots, slots_per_project=slots_per_project, attempts=attempts,
        )  # fmt: skip

    def say(self, what: str) -> None:
        with (self.folder / "effects").open("a") as file:
            file.write(f"{what}\n")

    def effects(self) -> list[str]:
        path = self.folder / "effects"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    async def _effect(self, run: Run[Memo], what: str) -> None:
        memo = run.memo
        if memo.wait == run.step:
            self.say(f"{self.name}: {run.subject} waits")
            while not (self.folder / "go").exists():
                await asyncio.sleep(0.01)
            await run.hold()
        if memo.fail == run.step and not (self.folder / "mended").exists():
            raise {"Failed": Failed, "OSError": OSError}[memo.fault](f"{what} cannot be")
        self.say(f"{self.name}: {run.subject} {what}")

    async def copy(self, run: Run[Memo]) -> Outcome[Memo]:
        await self._effect(run, f"copy {run.memo.copied}")
        copied = run.memo.copied + 1
        memo = msgspec.structs.replace(run.memo, copied=copied)
        return run.next(memo=memo) if copied >= memo.again else run.go("copy", memo=memo)

    async def uncopy(self, run: Run[Memo]) -> Callable[[Tx], None]:
        self.say(f"{self.name}: {run.subject} uncopy")
        return lambda tx: None

    async def check(self, run: Run[Memo]) -> Outcome[Memo]:
        await self._effect(run, "check")
        return run.next()

    async def switch(self, run: Run[Memo]) -> Outcome[Memo]:
        await self._effect(run, "switch")
        return run.next()

    async def clean(self, run: Run[Memo]) -> Outcome[Memo]:
        await self._effect(run, "clean")
        return run.next()

    def undone(self, tx: Tx, job: Job[Memo]) -> None:
        tx.after_commit(lambda: self.ended.append(f"{job.subject}: {job.reason}"))


def open_database(where: str) -> SqliteDatabase:
    if "://" not in where and "=" not in where:
        return SqliteDatabase(Path(where))
    from cumulo.core.db.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(where, threads=4)  # type: ignore[return-value]


def prepared(where: str) -> SqliteDatabase:
    assemblies()  # all tables, whichever of them other tests have declared already
    database = open_database(where)
    wiring.assemblies()  # All tables are declared.
    migrations.prepare(database)
    return database


def main() -> None:
    where, folder, name, *lease = sys.argv[1:]
    database = open_database(where)
    jobs = Jobs(database)
    jobs.add(Mover(Path(folder), name).kind(attempts=20))
    seconds = float(lease[0]) if lease else 20.0
    runner = JobRunner(database, jobs, lease=seconds, beat=seconds / 5)
    asyncio.run(runner.run())


if __name__ == "__main__":
    main()
