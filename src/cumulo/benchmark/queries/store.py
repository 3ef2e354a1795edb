"""Environments, tasks and results in one SQLite file of the user's, never in the measured cloud.

Rows are documents with the columns that are asked for beside them; iterations are packed in chunks,
so that a million of them are a thousand rows. The file's `user_version` says which steps of
STEPS it has seen. Only this module knows its tables.
"""

import asyncio
import contextlib
import fcntl
import sqlite3
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from cumulo.benchmark.model.result import (
    Environment,
    Iteration,
    Note,
    SubtaskResult,
    TaskResult,
    WorkloadResult,
)
from cumulo.benchmark.model.verification import Verification, Verifier

# Forward only; each is applied once.
STEPS = (
    """
    CREATE TABLE environments (
        uuid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL,
        document BLOB NOT NULL
    );
    CREATE TABLE tasks (
        uuid TEXT PRIMARY KEY, env_uuid TEXT NOT NULL, status TEXT NOT NULL,
        created_at TEXT NOT NULL, document BLOB NOT NULL
    );
    CREATE INDEX tasks_by_environment ON tasks (env_uuid, created_at);
    CREATE INDEX tasks_by_status ON tasks (status);
    CREATE TABLE subtasks (
        uuid TEXT PRIMARY KEY, task_uuid TEXT NOT NULL REFERENCES tasks ON DELETE CASCADE,
        number INTEGER NOT NULL, document BLOB NOT NULL
    );
    CREATE INDEX subtasks_by_task ON subtasks (task_uuid, number);
    CREATE TABLE workloads (
        uuid TEXT PRIMARY KEY, subtask_uuid TEXT NOT NULL REFERENCES subtasks ON DELETE CASCADE,
        number INTEGER NOT NULL, document BLOB NOT NULL
    );
    CREATE INDEX workloads_by_subtask ON workloads (subtask_uuid, number);
    CREATE TABLE chunks (
        workload_uuid TEXT NOT NULL REFERENCES workloads ON DELETE CASCADE,
        number INTEGER NOT NULL, iterations BLOB NOT NULL,
        PRIMARY KEY (workload_uuid, number)
    );
    CREATE TABLE chosen (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    """
    CREATE TABLE verifications (
        uuid TEXT PRIMARY KEY, created_at TEXT NOT NULL, document BLOB NOT NULL
    );
    """,
    """
    CREATE TABLE verifiers (
        uuid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, document BLOB NOT NULL
    );
    """,
    # Whether something of the task's is still in its cloud: what could not be taken away.
    """
    ALTER TABLE tasks ADD COLUMN remains INTEGER NOT NULL DEFAULT 0;
    """,
    # What a task has done in its cloud that no name tells.
    """
    CREATE TABLE notes (
        task_uuid TEXT NOT NULL REFERENCES tasks ON DELETE CASCADE, document BLOB NOT NULL
    );
    CREATE INDEX notes_by_task ON notes (task_uuid);
    """,
)

ALONE = 300.0

Row = TypeVar("Row", Environment, TaskResult, SubtaskResult, WorkloadResult)


class NoSuch(Exception):
    """There is no row of that id or name."""


class Exists(Exception):
    """The name is taken."""


class Store:
    """The file. One process may write while others read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Credentials are in it: nobody else's business.
            path.touch(mode=0o600)
        self.path = path
        self._db = sqlite3.connect(path, timeout=30.0, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._migrate()

    def _migrate(self) -> None:
        seen = self._db.execute("PRAGMA user_version").fetchone()[0]
        if seen > len(STEPS):
            raise NoSuch("the database was written by a newer version of this program")
        if seen == len(STEPS):
            return
        self._db.execute("BEGIN IMMEDIATE")
        seen = self._db.execute("PRAGMA user_version").fetchone()[0]
        for step in STEPS[seen:]:
            for statement in step.split(";"):
                if statement.strip():
                    self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {len(STEPS)}")
        self._db.execute("COMMIT")

    def beside(self, name: str) -> Path:
        """A file beside this one."""
        return self.path.with_name(f"{self.path.name}-{name}")

    def close(self) -> None:
        self._db.close()

    # environments

    def add_environment(self, env: Environment) -> None:
        try:
            self._db.execute(
                "INSERT INTO environments VALUES (?, ?, ?, ?)",
                (env.uuid, env.name, env.created_at, _packed(env)),
            )
        except sqlite3.IntegrityError:
            raise Exists(f"Env with name '{env.name}' already exists.") from None

    def put_environment(self, env: Environment) -> None:
        self._db.execute(
            "UPDATE environments SET document = ? WHERE uuid = ?", (_packed(env), env.uuid)
        )

    def environment(self, named: str) -> Environment:
        """By id or name. Raises NoSuch."""
        row = self._db.execute(
            "SELECT document FROM environments WHERE uuid = ? OR name = ?", (named, named)
        ).fetchone()
        if row is None:
            raise NoSuch(f"There is no environment '{named}'.")
        return msgspec.json.decode(row[0], type=Environment)

    def environments(self) -> list[Environment]:
        rows = self._db.execute("SELECT document FROM environments ORDER BY created_at, name")
        return [msgspec.json.decode(row[0], type=Environment) for row in rows]

    def delete_environment(self, uuid: str) -> None:
        """With all its tasks."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM tasks WHERE env_uuid = ?", (uuid,))
        self._db.execute("DELETE FROM environments WHERE uuid = ?", (uuid,))
        self._db.execute("DELETE FROM chosen WHERE value = ?", (uuid,))
        self._db.execute("COMMIT")

    # what commands take if they are told nothing

    def choose(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO chosen VALUES (?, ?)", (name, value))

    def chosen(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM chosen WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    # tasks

    def put_task(self, task: TaskResult) -> None:
        """The task's own row; its subtasks have rows of their own."""
        bare = msgspec.structs.replace(task, subtasks=[])
        self._db.execute(
            "INSERT INTO tasks (uuid, env_uuid, status, created_at, document) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET "
            "status = excluded.status, document = excluded.document",
            (task.uuid, task.env_uuid, task.status, task.created_at, _packed(bare)),
        )

    def status(self, uuid: str) -> str:
        row = self._db.execute("SELECT status FROM tasks WHERE uuid = ?", (uuid,)).fetchone()
        if row is None:
            raise NoSuch(f"Record for uuid: {uuid} not found in table Task")
        return str(row[0])

    def set_remains(self, uuid: str, remains: bool) -> None:
        """Remember whether something of a task's is still in its cloud."""
        self._db.execute("UPDATE tasks SET remains = ? WHERE uuid = ?", (remains, uuid))

    def remaining(self, env_uuid: str) -> list[str]:
        """Ids of the tasks of which something is still in the cloud."""
        rows = self._db.execute(
            "SELECT uuid FROM tasks WHERE env_uuid = ? AND remains ORDER BY created_at", (env_uuid,)
        )
        return [row[0] for row in rows]

    def has_left(self, uuid: str) -> bool:
        """Whether something of a task's is still in its cloud, or not yet undone."""
        row = self._db.execute(
            "SELECT remains OR EXISTS (SELECT 1 FROM notes WHERE task_uuid = uuid)"
            " FROM tasks WHERE uuid = ?",
            (uuid,),
        ).fetchone()
        return bool(row and row[0])

    def unfinished_business(self) -> list[str]:
        """Tasks that run, were killed, or have left something in their clouds."""
        rows = self._db.execute(
            "SELECT uuid FROM tasks WHERE remains OR status IN"
            " ('running', 'aborting', 'soft_aborting')"
            " OR EXISTS (SELECT 1 FROM notes WHERE task_uuid = uuid) ORDER BY created_at"
        )
        return [row[0] for row in rows]

    def add_note(self, uuid: str, note: Note) -> int:
        """The note's number."""
        made = self._db.execute(
            "INSERT INTO notes VALUES (?, ?)", (uuid, msgspec.json.encode(note))
        )
        return made.lastrowid or 0

    def forget_notes(self, uuid: str, numbers: Iterable[int]) -> None:
        """Some of a task's notes, by their numbers."""
        self._db.executemany(
            "DELETE FROM notes WHERE task_uuid = ? AND rowid = ?", [(uuid, n) for n in numbers]
        )

    def notes(self, uuid: str) -> list[Note]:
        """The last one first: that is how they are undone."""
        rows = self._db.execute(
            "SELECT document FROM notes WHERE task_uuid = ? ORDER BY rowid DESC", (uuid,)
        )
        return [msgspec.json.decode(row[0], type=Note) for row in rows]

    def notes_of_others(self, uuid: str) -> list[tuple[str, Note]]:
        """(task, note) of all other tasks, oldest first."""
        rows = self._db.execute(
            "SELECT task_uuid, document FROM notes WHERE task_uuid <> ? ORDER BY rowid", (uuid,)
        )
        return [(task, msgspec.json.decode(note, type=Note)) for task, note in rows]

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """While no other process is in such a block with this file. Raises TimeoutError."""
        with self.beside("lock").open("a") as lock:
            async with asyncio.timeout(ALONE):
                while True:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        await asyncio.sleep(0.05)
            yield

    def noted(self, env_uuid: str) -> list[str]:
        """Ids of the tasks that have notes."""
        rows = self._db.execute(
            "SELECT DISTINCT t.uuid FROM notes n JOIN tasks t ON t.uuid = n.task_uuid"
            " WHERE t.env_uuid = ? ORDER BY t.created_at DESC, t.rowid DESC",
            (env_uuid,),
        )
        return [row[0] for row in rows]

    def clear_notes(self, uuid: str) -> None:
        self._db.execute("DELETE FROM notes WHERE task_uuid = ?", (uuid,))

    def update_task(self, task: TaskResult, *, unless: tuple[str, ...] = ()) -> None:
        """A task that is there; not if somebody has meanwhile asked for one of these statuses.
        Raises NoSuch when it was deleted."""
        bare = msgspec.structs.replace(task, subtasks=[])
        marks = ", ".join("?" for _ in unless)
        done = self._db.execute(
            f"UPDATE tasks SET status = ?, document = ? WHERE uuid = ? AND status NOT IN ({marks})",
            (task.status, _packed(bare), task.uuid, *unless),
        )
        if not done.rowcount:
            self.status(task.uuid)

    def ask(self, uuid: str, status: str) -> None:
        """Tell whoever runs a task: it looks at this column."""
        self._db.execute("UPDATE tasks SET status = ? WHERE uuid = ?", (status, uuid))

    def task(self, uuid: str) -> TaskResult:
        """A task with its subtasks and workloads, without their iterations. Raises NoSuch."""
        row = self._db.execute(
            "SELECT status, document FROM tasks WHERE uuid = ?", (uuid,)
        ).fetchone()
        if row is None:
            raise NoSuch(f"Record for uuid: {uuid} not found in table Task")
        task = msgspec.json.decode(row[1], type=TaskResult)
        task.status = row[0]
        task.subtasks = list(self._subtasks(uuid))
        return task

    def _subtasks(self, task_uuid: str) -> Iterator[SubtaskResult]:
        rows = self._db.execute(
            "SELECT uuid, document FROM subtasks WHERE task_uuid = ? ORDER BY number", (task_uuid,)
        ).fetchall()
        for uuid, document in rows:
            subtask = msgspec.json.decode(document, type=SubtaskResult)
            found = self._db.execute(
                "SELECT document FROM workloads WHERE subtask_uuid = ? ORDER BY number", (uuid,)
            )
            subtask.workloads = [msgspec.json.decode(r[0], type=WorkloadResult) for r in found]
            yield subtask

    def tasks(
        self, env_uuid: str | None = None, status: str | None = None, tags: list[str] | None = None
    ) -> list[TaskResult]:
        """Tasks without their subtasks, oldest first."""
        rows = self._db.execute(
            "SELECT status, document FROM tasks WHERE (?1 IS NULL OR env_uuid = ?1) "
            "AND (?2 IS NULL OR status = ?2) ORDER BY created_at, rowid",
            (env_uuid, status),
        )
        found = []
        for seen, document in rows:
            task = msgspec.json.decode(document, type=TaskResult)
            task.status = seen
            if set(tags or ()) <= set(task.tags):
                found.append(task)
        return found

    def delete_task(self, uuid: str) -> None:
        self._db.execute("DELETE FROM tasks WHERE uuid = ?", (uuid,))
        self._db.execute("DELETE FROM chosen WHERE value = ?", (uuid,))

    def put_subtask(self, subtask: SubtaskResult, number: int) -> None:
        bare = msgspec.structs.replace(subtask, workloads=[])
        self._db.execute(
            "INSERT INTO subtasks VALUES (?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET "
            "document = excluded.document",
            (subtask.uuid, subtask.task_uuid, number, _packed(bare)),
        )

    def put_workload(self, workload: WorkloadResult, number: int) -> None:
        self._db.execute(
            "INSERT INTO workloads VALUES (?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET "
            "document = excluded.document",
            (workload.uuid, workload.subtask_uuid, number, _packed(workload)),
        )

    # iterations

    def add_iterations(self, workload_uuid: str, iterations: list[Iteration]) -> None:
        """One more chunk of a workload."""
        packed = zlib.compress(msgspec.msgpack.encode(iterations), 1)
        self._db.execute(
            "INSERT INTO chunks SELECT ?1, "
            "(SELECT count(*) FROM chunks WHERE workload_uuid = ?1), ?2",
            (workload_uuid, packed),
        )

    def iterations(self, workload_uuid: str) -> Iterator[Iteration]:
        """In the order in which they ended."""
        rows = self._db.execute(
            "SELECT iterations FROM chunks WHERE workload_uuid = ? ORDER BY number",
            (workload_uuid,),
        )
        for (packed,) in rows:
            yield from msgspec.msgpack.decode(zlib.decompress(packed), type=list[Iteration])

    # verifiers and verifications

    def put_verifier(self, verifier: Verifier) -> None:
        self._db.execute(
            "INSERT INTO verifiers VALUES (?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET "
            "document = excluded.document",
            (verifier.uuid, verifier.name, msgspec.json.encode(verifier)),
        )

    def verifier(self, named: str) -> Verifier:
        """By id or name. Raises NoSuch."""
        row = self._db.execute(
            "SELECT document FROM verifiers WHERE uuid = ?1 OR name = ?1", (named,)
        ).fetchone()
        if row is None:
            raise NoSuch(f"There is no verifier '{named}'.")
        return msgspec.json.decode(row[0], type=Verifier)

    def verifiers(self) -> list[Verifier]:
        rows = self._db.execute("SELECT document FROM verifiers ORDER BY rowid")
        return [msgspec.json.decode(row[0], type=Verifier) for row in rows]

    def delete_verifier(self, uuid: str) -> None:
        self._db.execute("DELETE FROM verifiers WHERE uuid = ?", (uuid,))
        self._db.execute("DELETE FROM chosen WHERE value = ?", (uuid,))

    def put_verification(self, made: Verification) -> None:
        self._db.execute(
            "INSERT INTO verifications VALUES (?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET "
            "document = excluded.document",
            (made.uuid, made.created_at, zlib.compress(msgspec.json.encode(made))),
        )

    def verification(self, uuid: str) -> Verification:
        row = self._db.execute(
            "SELECT document FROM verifications WHERE uuid = ?", (uuid,)
        ).fetchone()
        if row is None:
            raise NoSuch(f"There is no verification '{uuid}'.")
        return msgspec.json.decode(zlib.decompress(row[0]), type=Verification)

    def verifications(self) -> list[Verification]:
        rows = self._db.execute("SELECT document FROM verifications ORDER BY created_at, rowid")
        return [msgspec.json.decode(zlib.decompress(row[0]), type=Verification) for row in rows]

    def delete_verification(self, uuid: str) -> None:
        self._db.execute("DELETE FROM verifications WHERE uuid = ?", (uuid,))
        self._db.execute("DELETE FROM chosen WHERE value = ?", (uuid,))


def _packed(row: Row) -> bytes:
    return msgspec.json.encode(row)
