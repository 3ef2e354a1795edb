"""Typed rows: a class declares a table once, and the SQLAlchemy Core table follows from it.

    @table("volumes", Unique("project_id", "name"))
    class VolumeRow(Row, frozen=True):
        id: Annotated[str, Key()]
        project_id: Annotated[str, Index()]
        size: int                                  # GiB
        metadata: dict[str, str]                   # stored as JSON text
        host_id: Annotated[str | None, References("hosts.id")] = None

`columns(VolumeRow)` is the table's `.c`. Types: str, int, float, bool, bytes, Literal; anything
else (dict, list, Struct) is stored as JSON text. `| None` makes a column nullable. Rows are
frozen: a changed row is a new one, written by an UPDATE that names what it changes.
"""

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin

import msgspec
import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@dataclass(frozen=True, slots=True)
class Key:
    """Part of the primary key."""


@dataclass(frozen=True, slots=True)
class Serial:
    """The primary key, numbered by the database; insert rows with 0."""


@dataclass(frozen=True, slots=True)
class Index:
    """A plain index on this one column."""


@dataclass(frozen=True, slots=True)
class References:
    """A foreign key. `on_delete`: what happens to this row when the other one goes."""

    target: str
    on_delete: Literal["RESTRICT", "CASCADE", "SET NULL"] = "RESTRICT"


class Unique:
    """A table constraint: these columns together are unique."""

    def __init__(self, *names: str) -> None:
        self.names = names


class IndexOn:
    """A table index over several columns; `where` is SQL for a partial index."""

    def __init__(self, *names: str, where: str | None = None) -> None:
        self.names = names
        self.where = where


class Row(msgspec.Struct, frozen=True):
    """The base of all rows; see the module's text."""

    sql_table: ClassVar[sa.Table]
    read_converters: ClassVar[tuple[tuple[int, Callable[[Any], Any]], ...]]


R = TypeVar("R", bound=Row)

_PLAIN: dict[type, Callable[[], sa.types.TypeEngine[Any]]] = {
    str: sa.Text,
    int: sa.BigInteger,
    float: sa.Double,
    bool: sa.Boolean,
    bytes: sa.LargeBinary,
}


def table(name: str, *parts: Unique | IndexOn) -> Callable[[type[R]], type[R]]:
    """Class decorator: derive the table and the read converters from the annotations."""

    def decorate(row: type[R]) -> type[R]:
        hints = typing.get_type_hints(row, include_extras=True)
        names = row.__struct_fields__
        made = [_column(field, hints[field]) for field in names]
        constraints: list[Any] = [
            sa.UniqueConstraint(*part.names) for part in parts if isinstance(part, Unique)
        ]
        row.sql_table = sa.Table(name, METADATA, *made, *constraints)
        for part in parts:
            if isinstance(part, IndexOn):
                where = None if part.where is None else sa.text(part.where)
                sa.Index(
                    f"ix_{name}_{'_'.join(part.names)}",
                    *(row.sql_table.c[column] for column in part.names),
                    sqlite_where=where,
                    postgresql_where=where,
                )
        row.read_converters = tuple(
            (index, converter)
            for index, field in enumerate(names)
            if (converter := _converter(hints[field])) is not None
        )
        return row

    return decorate


def columns(row: type[Row]) -> Any:
    """The `.c` of the row's table, for statements in a store."""
    return row.sql_table.c


def _unwrap(hint: Any) -> tuple[Any, bool, list[Any]]:
    """(bare type, nullable, markers)"""
    markers: list[Any] = []
    if get_origin(hint) is Annotated:
        hint, *markers = get_args(hint)
    nullable = False
    if get_origin(hint) in (typing.Union, types.UnionType):
        rest = [arg for arg in get_args(hint) if arg is not type(None)]
        nullable = len(rest) < len(get_args(hint))
        if len(rest) == 1:
            hint = rest[0]
    return hint, nullable, markers


def _is_plain(hint: Any) -> bool:
    return hint in _PLAIN or get_origin(hint) is Literal


def _column(name: str, annotation: Any) -> sa.Column[Any]:
    hint, nullable, markers = _unwrap(annotation)
    kind: sa.types.TypeEngine[Any] = _PLAIN.get(hint, sa.Text)()
    serial = any(isinstance(marker, Serial) for marker in markers)
    if serial:
        # SQLite numbers rows by itself only in a column of the type INTEGER.
        kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    keys = [
        sa.ForeignKey(marker.target, ondelete=marker.on_delete)
        for marker in markers
        if isinstance(marker, References)
    ]
    return sa.Column(
        name,
        kind,
        *keys,
        primary_key=serial or any(isinstance(marker, Key) for marker in markers),
        autoincrement=serial,
        index=any(isinstance(marker, Index) for marker in markers) or None,
        nullable=nullable,
    )


def _converter(annotation: Any) -> Callable[[Any], Any] | None:
    hint, nullable, _ = _unwrap(annotation)
    if hint is bool:
        return bool if not nullable else (lambda value: None if value is None else bool(value))
    if _is_plain(hint):
        return None
    decode = msgspec.json.Decoder(hint).decode
    return decode if not nullable else (lambda value: None if value is None else decode(value))


PLAIN_TYPES = frozenset({str, int, float, bool, bytes, type(None)})
"""What the drivers take as it is."""


def to_driver(value: Any) -> Any:
    """A Python value in the form that both database drivers take."""
    if type(value) in PLAIN_TYPES or isinstance(value, bytes):
        return value
    return msgspec.json.encode(value).decode()
