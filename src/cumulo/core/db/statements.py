"""Statements: written once in SQLAlchemy Core, compiled once per engine to driver text.

A store keeps them as module constants and runs them through a transaction:

    GET = query(VolumeRow, select(t).where(c.id == bindparam("id")))
    row = tx.one(GET, id=volume_id)

Compiling costs 100 µs and more, running compiled text is as fast as hand-written SQL; so a
statement must never be built per request. Lists whose filters vary go through `db.listing`,
which caches one statement per combination.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from cumulo.core.db.rows import PLAIN_TYPES, Row, to_driver

R = TypeVar("R", bound=Row)

_MAKERS: dict[str, Any] = {"sqlite": sqlite.dialect, "postgresql": psycopg.dialect}
DIALECTS: dict[str, sa.Dialect] = {
    "sqlite": _MAKERS["sqlite"](paramstyle="named"),
    "postgresql": _MAKERS["postgresql"](paramstyle="pyformat"),
}
_MANY = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)")


@dataclass(slots=True)
class Compiled:
    """Driver text, its constant parameters, and the names that take a list (`IN`)."""

    text: str
    constants: dict[str, Any]
    many: tuple[str, ...]
    expanded: dict[tuple[int, ...], str] = field(default_factory=dict)

    def bind(self, parameters: dict[str, Any], mark: str) -> tuple[str, dict[str, Any]]:
        """Text and parameters for one execution; `mark` is `:{}` or `%({})s`."""
        bound = {**self.constants, **parameters}
        for name, value in parameters.items():
            if type(value) not in PLAIN_TYPES and name not in self.many:
                bound[name] = to_driver(value)
        if not self.many:
            return self.text, bound
        lists = [_padded(list(bound.pop(name))) for name in self.many]
        sizes = tuple(len(values) for values in lists)
        text = self.expanded.get(sizes)
        if text is None:
            text = self._expand(dict(zip(self.many, sizes, strict=True)), mark)
            if len(self.expanded) < 64:
                self.expanded[sizes] = text
        for name, values in zip(self.many, lists, strict=True):
            for index, value in enumerate(values):
                bound[f"{name}__{index}"] = (
                    value if type(value) in PLAIN_TYPES else to_driver(value)
                )
        return text, bound

    def _expand(self, sizes: dict[str, int], mark: str) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            inside = ", ".join(mark.format(f"{name}__{i}") for i in range(sizes[name]))
            return f"({inside})" if inside else "(NULL)"

        return _MANY.sub(replace, self.text)


def _padded(values: list[Any]) -> list[Any]:
    """The list with its last value repeated, up to a power of two or a multiple of 1024: few
    lengths make few texts, which are found again here and in the driver's cache."""
    size = len(values)
    wanted = 1 << (size - 1).bit_length() if size <= 1024 else -(-size // 1024) * 1024
    return values + values[-1:] * (wanted - size)


class Statement:
    """Any statement; `compiled(engine)` is made at first use."""

    __slots__ = ("_compiled", "element")

    def __init__(self, element: sa.ClauseElement) -> None:
        self.element = element
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, engine: str) -> Compiled:
        found = self._compiled.get(engine)
        if found is None:
            found = self._compiled[engine] = compile_for(engine, self.element)
        return found


class Query(Statement, Generic[R]):
    """A SELECT of whole rows of one table."""

    __slots__ = ("row",)

    def __init__(self, row: type[R], element: sa.ClauseElement) -> None:
        super().__init__(element)
        self.row = row


def query(row: type[R], element: sa.ClauseElement) -> Query[R]:
    return Query(row, element)


def statement(element: sa.ClauseElement) -> Statement:
    """An INSERT, UPDATE or DELETE, or a SELECT of single columns (read by `tx.tuples`)."""
    return Statement(element)


def compile_for(engine: str, element: sa.ClauseElement) -> Compiled:
    made = element.compile(dialect=DIALECTS[engine])
    text = str(made)
    many = tuple(dict.fromkeys(_MANY.findall(text)))
    constants = {
        name: to_driver(value)
        for name, value in made.params.items()
        if value is not None and name not in many
    }
    constants.update({name: value for name, value in made.params.items() if name in many and value})
    return Compiled(text, constants, many)
