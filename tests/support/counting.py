"""Counts what a request asks of the database: statements, and rows that came back."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cumulo.core.db.sqlite import SqliteDatabase
from tests.support.fresh import uncompared


@dataclass
class Counts:
    statements: int = 0
    rows: int = 0
    texts: list[str] = field(default_factory=list)


class _Counted:
    """A cursor that notes how many rows were fetched."""

    def __init__(self, cursor: Any, counts: Counts) -> None:
        self._cursor = cursor
        self._counts = counts

    @property
    def rowcount(self) -> int:
        return int(self._cursor.rowcount)

    def fetchall(self) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        self._counts.rows += len(found)
        return found

    def fetchone(self) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._cursor.fetchone()
        self._counts.rows += found is not None
        return found


@contextlib.contextmanager
def counting(database: SqliteDatabase) -> Iterator[Counts]:
    counts, execute = Counts(), database._execute

    def counted(text: str, parameters: dict[str, Any]) -> Any:
        counts.statements += 1
        counts.texts.append(text)
        return _Counted(execute(text, parameters), counts)

    database._execute = counted
    rehearses, database.rehearses = database.rehearses, False
    try:
        with uncompared():
            yield counts
    finally:
        database._execute = execute
        database.rehearses = rehearses
