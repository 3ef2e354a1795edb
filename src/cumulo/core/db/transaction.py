"""Transactions: the only door to the database, the same on SQLite and PostgreSQL.

A transaction is a synchronous function of `Tx`. It never awaits, never talks to a host, never
hashes and never reads a file: it may be run again from its start when the database asks for that
(serialisation failure), so the database is all that it may change. Everything else goes to
`tx.after_commit`. Writers are serialisable on both engines: what a transaction has read is still
true when it commits.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cumulo.core import clock
from cumulo.core.db.announcements import Announcement, channels
from cumulo.core.db.rows import PLAIN_TYPES, Row, to_driver
from cumulo.core.db.statements import Compiled, Query, Statement, compile_for

R = TypeVar("R", bound=Row)
T = TypeVar("T")


class IntegrityError(Exception):
    """A constraint of the database refused a change (unique, foreign key, not null)."""


class Unstorable(Exception):
    """A value that the database has no room for: a NUL in a text, a number of more than 64 bits."""


class DatabaseAway(Exception):
    """The database does not answer, or has no room: nothing was written, and it may be tried
    again."""


class Unsure(Exception):
    """The database broke off at a commit, and nobody can say whether it was written: it must not be
    tried again unseen."""


class Overtaken(Exception):
    """Others wrote what it had read, each time that it was tried: nothing was written, and it may
    be tried again."""


class TooLong(Exception):
    """A long read was ended at its deadline."""


class ReadOnly(Exception):
    """A read transaction tried to write: a mistake in the program."""


class Cursor(Protocol):
    """What both drivers' cursors have."""

    @property
    def rowcount(self) -> int: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...
    def fetchone(self) -> tuple[Any, ...] | None: ...


class Tx:
    """One transaction; made by an engine, handed to a function, dead afterwards.

    `now` is the moment of the transaction (see core.clock): all rows that it writes share it.
    """

    __slots__ = ("_callbacks", "_execute", "_now", "began", "engine", "writable")

    def __init__(
        self,
        engine: str,
        execute: Callable[[str, dict[str, Any]], Cursor],
        *,
        writable: bool,
    ) -> None:
        self.engine = engine
        self.writable = writable
        self.began = time.monotonic()
        """Before its first statement: what was committed earlier than this, it sees."""
        self._execute = execute
        self._callbacks: list[Callable[[], None]] = []
        self._now: str | None = None

    @property
    def now(self) -> clock.Moment:
        if self._now is None:
            self._now = clock.now()
        return self._now

    def all(self, wanted: Query[R], **parameters: Any) -> list[R]:
        """All rows of the query."""
        found = self._cursor(wanted, parameters).fetchall()
        return to_rows(wanted.row, found)

    def one(self, wanted: Query[R], **parameters: Any) -> R | None:
        """The first row, or None."""
        found = self._cursor(wanted, parameters).fetchone()
        return None if found is None else to_rows(wanted.row, [found])[0]

    def tuples(self, wanted: Statement, **parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of single columns, as the driver gives them."""
        return self._cursor(wanted, parameters).fetchall()

    def value(self, wanted: Statement, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        found = self._cursor(wanted, parameters).fetchone()
        return None if found is None else found[0]

    def run(self, change: Statement, **parameters: Any) -> int:
        """Run an INSERT, UPDATE or DELETE; how many rows it changed."""
        if not self.writable:
            raise ReadOnly(str(change.element))
        return self._cursor(change, parameters).rowcount

    def changed(self, change: Statement, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a change with a RETURNING clause; what it returns, a tuple for each row."""
        if not self.writable:
            raise ReadOnly(str(change.element))
        return self._cursor(change, parameters).fetchall()

    def insert(self, row: Row, *, ignore_duplicate: bool = False) -> bool:
        """Insert a row; with `ignore_duplicate` False is the answer when it was there already."""
        if not self.writable:
            raise ReadOnly(type(row).__name__)
        kind = type(row)
        made = _insert_for(self.engine, kind, ignore_duplicate)
        return self._execute(made.text, _stored(row)).rowcount > 0

    def get(self, kind: type[R], *key: Any) -> R | None:
        """The row of this primary key, or None."""
        text = _GETS.get((self.engine, kind))
        if text is None:
            text = _GETS[self.engine, kind] = _row_statement(self.engine, kind, "get", ()).text
        found = self._execute(text, _key_of(kind, key)).fetchone()
        return None if found is None else to_rows(kind, [found])[0]

    def update(self, row: R, **changes: Any) -> R:
        """Write changed columns of a row that was read in this transaction; the row as it is now.

        For compare-and-swap (another condition than the key) write a statement.
        """
        if not self.writable:
            raise ReadOnly(type(row).__name__)
        if not changes:
            return row
        kind = type(row)
        made = _row_statement(self.engine, kind, "update", tuple(sorted(changes)))
        parameters = {f"new_{name}": to_driver(value) for name, value in changes.items()}
        self._execute(made.text, {**parameters, **_key_values(row)})
        return msgspec.structs.replace(row, **changes)

    def delete(self, row: Row) -> bool:
        """Delete a row by its primary key; False when it was gone."""
        if not self.writable:
            raise ReadOnly(type(row).__name__)
        made = _row_statement(self.engine, type(row), "delete", ())
        return self._execute(made.text, _key_values(row)).rowcount > 0

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this on the event loop once the transaction is durable; never when it is not."""
        self._callbacks.append(callback)

    def attempt(self, function: Callable[[], None]) -> Exception | None:
        """Run a part of this transaction in a savepoint: all of it counts, or nothing.

        The answer is the exception that undid it. What the engine itself raises (a serialisation
        failure, a lost connection) undoes the whole transaction as ever.
        """
        before = len(self._callbacks)
        self._execute("SAVEPOINT attempt", {})
        try:
            function()
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("psycopg", "sqlite3"):
                raise
            self._execute("ROLLBACK TO SAVEPOINT attempt", {})
            self._execute("RELEASE SAVEPOINT attempt", {})
            del self._callbacks[before:]
            return error
        self._execute("RELEASE SAVEPOINT attempt", {})
        return None

    def announced(self) -> set[str]:
        """The channels on which other processes are to hear of this commit."""
        return channels(self._callbacks)

    def take_callbacks(self) -> list[Callable[[], None]]:
        taken, self._callbacks = self._callbacks, []
        return taken

    def _cursor(self, wanted: Statement, parameters: dict[str, Any]) -> Cursor:
        made = wanted.compiled(self.engine)
        text, bound = made.bind(parameters, ":{}" if self.engine == "sqlite" else "%({})s")
        return self._execute(text, bound)


STUDY_SECONDS = 20.0


class Database(Protocol):
    """An engine. `name` says where a transaction came from, for crash tests and slow logs."""

    engine: str
    several: bool
    """Other control planes may be at it, too."""

    async def read(self, function: Callable[[Tx], T]) -> T: ...
    async def write(self, function: Callable[[Tx], T], *, name: str = "") -> T: ...
    async def study(self, function: Callable[[Tx], T], *, seconds: float = STUDY_SECONDS) -> T:
        """A read that is long by its nature: on a thread and a connection of its own, so that
        nobody waits for it. The function must not touch what the loop's code changes. Raises
        TooLong."""

    async def settled(self) -> None:
        """What was committed before this call survives a power cut when it returns."""

    def subscribe(self, announcement: Announcement) -> None:
        """Call it, too, when another process has committed what it is about."""

    @property
    def deaf(self) -> bool:
        """What others commit may not be heard of: what is remembered of it does not count."""

    def hint(self, hint: str) -> None:
        """Say a word to the other processes, soon; see `hints`."""

    def on_hint(self, heard: Callable[[str], None]) -> None:
        """Who is told theirs, on any thread."""

    def alone(self, what: str) -> AbstractContextManager[None]:
        """While this lasts, no other process is in the same `what`."""

    def close(self) -> None: ...


def to_rows(kind: type[R], found: list[tuple[Any, ...]]) -> list[R]:
    converters = kind.read_converters
    if not converters:
        return [kind(*values) for values in found]
    rows = []
    for values in found:
        changed = list(values)
        for index, convert in converters:
            changed[index] = convert(changed[index])
        rows.append(kind(*changed))
    return rows


_INSERTS: dict[tuple[str, type[Row], bool], Compiled] = {}
_GETS: dict[tuple[str, type[Row]], str] = {}
_NUMBERED: dict[type[Row], tuple[str, ...]] = {}


def _numbered(kind: type[Row]) -> tuple[str, ...]:
    """The column that the database numbers, if there is one: no INSERT names it."""
    found = _NUMBERED.get(kind)
    if found is None:
        found = _NUMBERED[kind] = tuple(
            column.name for column in kind.sql_table.columns if column.autoincrement is True
        )
    return found


def _stored(row: Row) -> dict[str, Any]:
    """A row's values as the drivers take them."""
    values = msgspec.structs.asdict(row)
    for name, value in values.items():
        if type(value) not in PLAIN_TYPES:
            values[name] = to_driver(value)
    for name in _numbered(type(row)):
        del values[name]
    return values


def _insert_for(engine: str, kind: type[Row], ignore: bool) -> Compiled:
    found = _INSERTS.get((engine, kind, ignore))
    if found is None:
        named = [c.name for c in kind.sql_table.columns if c.name not in _numbered(kind)]
        values: dict[str, Any] = {name: sa.bindparam(name) for name in named}
        make = sqlite.insert if engine == "sqlite" else postgresql.insert
        element = make(kind.sql_table).values(values)
        made = compile_for(engine, element.on_conflict_do_nothing() if ignore else element)
        # SQLAlchemy asks for a generated key back; nobody reads it.
        text = made.text.partition(" RETURNING ")[0]
        found = _INSERTS[(engine, kind, ignore)] = Compiled(text, {}, ())
    return found


_ROW_STATEMENTS: dict[tuple[str, type[Row], str, tuple[str, ...]], Compiled] = {}
_KEYS: dict[type[Row], tuple[tuple[str, str], ...]] = {}


def _keys(kind: type[Row]) -> tuple[tuple[str, str], ...]:
    """The columns of the primary key, and the names of their parameters."""
    found = _KEYS.get(kind)
    if found is None:
        names = [column.name for column in kind.sql_table.primary_key.columns]
        found = _KEYS[kind] = tuple((name, f"key_{name}") for name in names)
    return found


def _key_of(kind: type[Row], values: tuple[Any, ...]) -> dict[str, Any]:
    """The parameters that name one row; ValueError for a wrong number of key values."""
    return {place: value for (_, place), value in zip(_keys(kind), values, strict=True)}


def _key_values(row: Row) -> dict[str, Any]:
    """The same of a row."""
    return {place: getattr(row, name) for name, place in _keys(type(row))}


def _row_statement(engine: str, kind: type[Row], verb: str, changed: tuple[str, ...]) -> Compiled:
    """SELECT, UPDATE or DELETE of one row by its primary key."""
    found = _ROW_STATEMENTS.get((engine, kind, verb, changed))
    if found is None:
        made = kind.sql_table
        same = sa.and_(*(made.c[name] == sa.bindparam(place) for name, place in _keys(kind)))
        element: Any
        if verb == "get":
            element = sa.select(made).where(same)
        elif verb == "delete":
            element = sa.delete(made).where(same)
        else:
            element = sa.update(made).where(same)
            element = element.values({n: sa.bindparam(f"new_{n}") for n in changed})
        found = _ROW_STATEMENTS[(engine, kind, verb, changed)] = compile_for(engine, element)
    return found
