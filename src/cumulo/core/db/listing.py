"""Lists: filters, sort keys and keyset paging from one table per noun.

    VOLUMES = Listing(
        VolumeRow,
        filters={"status": equals(c.status), "name": equals(c.name), "id": one_of(c.id)},
        sort_keys={"created_at": c.created_at, "name": c.name, "size": c.size},
    )
    rows = VOLUMES.page(tx, where={"project_id": p}, sort=[("created_at", "desc")], limit=50)

Paging is by key, never by offset: the rows after `marker` in the asked order, with the primary
key as the last tie-break, whatever was added or removed between two pages. One statement per
combination of filters, order, marker and limit is compiled and kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from cumulo.core.db.memo import Memo
from cumulo.core.db.rows import Row
from cumulo.core.db.statements import Query, Statement
from cumulo.core.db.transaction import Tx

R = TypeVar("R", bound=Row)

Direction = Literal["asc", "desc"]
Sort = Sequence[tuple[str, Direction]]
Condition = Callable[[str], "sa.ColumnElement[bool]"]
"""Makes a clause out of the name of the parameter that will hold the value."""

STATEMENTS_KEPT = 512
MOST_KEYS = 16
"""Of an order: each makes the statement longer, and a client names them."""
LOOK_AT_ONCE = 500
MOST_LOOKED_AT = 20_000
"""Rows that one `look` reads, a few columns of each: some 40 ms."""


class _Position(FunctionElement[int]):
    """Where the second text begins in the first, from 1; 0: nowhere."""

    type = sa.Integer()
    inherit_cache = True


class _Folded(FunctionElement[str]):
    """Small letters for the 26 of ASCII."""

    type = sa.Text()
    inherit_cache = True


@compiles(_Position, "sqlite")
def _position_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _position_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_Folded, "sqlite")
def _folded_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(_Folded, "postgresql")
def _folded_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f'lower(({compiler.process(element.clauses, **options)}) COLLATE "C")'


def equals(column: sa.Column[Any]) -> Condition:
    return lambda name: column == sa.bindparam(name)


def differs(column: sa.Column[Any]) -> Condition:
    return lambda name: column != sa.bindparam(name)


def one_of(column: sa.Column[Any]) -> Condition:
    """The value is a sequence."""
    return lambda name: column.in_(sa.bindparam(name, expanding=True))


def at_least(column: sa.Column[Any]) -> Condition:
    return lambda name: column >= sa.bindparam(name)


def at_most(column: sa.Column[Any]) -> Condition:
    return lambda name: column <= sa.bindparam(name)


def contains(column: Any) -> Condition:
    """The value is in the text as it is: no wildcards, and case counts, on both engines."""
    return lambda name: _Position(column, sa.bindparam(name, type_=sa.Text())) > 0


def contains_folded(column: Any) -> Condition:
    """The same with `a` to `z` and `A` to `Z` taken as equal, and no other letters: what either
    engine makes of those depends on where it runs."""
    return lambda name: _Position(_Folded(column), _Folded(sa.bindparam(name, type_=sa.Text()))) > 0


def starts_with(column: Any) -> Condition:
    """Case counts, and there are no wildcards."""

    def clause(name: str) -> sa.ColumnElement[bool]:
        value = sa.bindparam(name, type_=sa.Text())
        start: sa.ColumnElement[bool] = sa.func.substr(column, 1, sa.func.length(value)) == value
        return start

    return clause


def absent(column: sa.Column[Any]) -> Condition:
    """Without a value, said so that partial indexes are used; whatever the filter's value is."""
    return lambda name: column.is_(None)


def present(column: sa.Column[Any]) -> Condition:
    return lambda name: column.is_not(None)


def is_null(column: sa.Column[Any]) -> Condition:
    """The value is a boolean: True asks for rows without a value."""
    return lambda name: column.is_(None) == sa.bindparam(name, type_=sa.Boolean())


def stand_in(column: sa.Column[Any], stored: str | None) -> Any:
    """In the place of a column that is not read: what is stored in it, as it were."""
    value = sa.null() if stored is None else sa.literal(stored, sa.Text())
    return value.label(column.name)


_LEAST: dict[type, Any] = {sa.BigInteger: -(2**62), sa.Double: -1e300, sa.Boolean: False}


@dataclass(frozen=True, slots=True)
class Looked(Generic[R]):
    """`more`: there are rows behind these. `cut`: the page is short only because no more rows
    were looked at."""

    rows: list[R]
    more: bool
    cut: bool


class Listing(Generic[R]):
    """What can be asked of the list of one noun."""

    def __init__(
        self,
        row: type[R],
        *,
        filters: Mapping[str, Condition],
        sort_keys: Mapping[str, Any],
        default_sort: Sort = (("created_at", "desc"),),
        scope: sa.ColumnElement[bool] | None = None,
        remembers: bool = False,
        without: Mapping[str, str | None] | None = None,
    ) -> None:
        """`remembers`: pages are decoded once as long as nothing changes; see `memo`. `without`:
        large columns that no list shows, each with what stands for it, as it is stored."""
        self.row = row
        self._memo = Memo(row) if remembers else None
        self.filters = dict(filters)
        self.sort_keys = dict(sort_keys)
        self.default_sort = tuple(default_sort)
        self._scope = scope
        self._keys = [c.name for c in row.sql_table.primary_key.columns]
        self._kept: dict[Any, Query[R]] = {}
        self._counts: dict[tuple[str, ...], Statement] = {}
        self._looks: dict[Any, Statement] = {}
        self._heads: dict[Any, Statement] = {}
        self._by_ids: Query[R] | None = None
        self._columns: Any = row.sql_table
        if without:
            self._columns = [
                stand_in(c, without[c.name]) if c.name in without else c
                for c in row.sql_table.columns
            ]

    def count(self, tx: Tx, where: Mapping[str, Any]) -> int:
        """How many rows meet all of `where`; for APIs that say so beside a page."""
        names = tuple(sorted(where))
        wanted = self._counts.get(names)
        if wanted is None:
            counting = sa.select(sa.func.count()).select_from(self.row.sql_table)
            if self._scope is not None:
                counting = counting.where(self._scope)
            for name in names:
                counting = counting.where(self.filters[name](f"f_{name}"))
            wanted = Statement(counting)
            if len(self._counts) < STATEMENTS_KEPT:
                self._counts[names] = wanted
        return int(tx.value(wanted, **{f"f_{name}": where[name] for name in names}))

    def page(
        self,
        tx: Tx,
        *,
        where: Mapping[str, Any],
        sort: Sort = (),
        marker: R | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[R]:
        """Rows that meet all of `where` (names of filters), after the row `marker`.

        Raises KeyError for a filter or sort key that the noun does not have: the caller has
        turned wishes of clients into names before.
        """
        plan, parameters = self._plan(where, sort, marker, limit, offset)
        wanted = self._kept.get(plan)
        if wanted is None:
            wanted = Query(self.row, self._build(self._columns, *plan))
            if len(self._kept) < STATEMENTS_KEPT:
                self._kept[plan] = wanted
        if self._memo is not None:
            return self._memo.rows(tx.tuples(wanted, **parameters))
        return tx.all(wanted, **parameters)

    def heads(
        self,
        tx: Tx,
        columns: tuple[str, ...],
        *,
        where: Mapping[str, Any],
        sort: Sort = (),
        marker: R | None = None,
        limit: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """The same page, of each row only these columns as they are stored: for who keeps what
        was made of the rows, and knows by a few columns whether it is still so."""
        plan, parameters = self._plan(where, sort, marker, limit, 0)
        wanted = self._heads.get((columns, plan))
        if wanted is None:
            chosen = [self.row.sql_table.c[name] for name in columns]
            wanted = Statement(self._build(chosen, *plan))
            if len(self._heads) < STATEMENTS_KEPT:
                self._heads[columns, plan] = wanted
        return tx.tuples(wanted, **parameters)

    def _plan(
        self,
        where: Mapping[str, Any],
        sort: Sort,
        marker: R | None,
        limit: int | None,
        offset: int,
    ) -> tuple[Any, dict[str, Any]]:
        """What the statement of a page is known by, and its parameters."""
        order = self._complete(tuple(sort) or self.default_sort)
        names = tuple(sorted(where))
        parameters: dict[str, Any] = {f"f_{name}": where[name] for name in names}
        if marker is not None:
            parameters |= self._position(order, marker)
        if limit is not None:
            parameters["page_limit"] = limit
        if offset:
            parameters["page_offset"] = offset
        plan = (names, order, marker is not None, limit is not None, offset > 0)
        return plan, parameters

    def look(
        self,
        tx: Tx,
        *,
        where: Mapping[str, Any],
        columns: Sequence[str],
        fits: Callable[[list[tuple[Any, ...]]], list[bool]],
        sort: Sort = (),
        marker: R | None = None,
        limit: int,
    ) -> Looked[R]:
        """A page of rows that only the program can choose, by a few columns of each.

        `fits` is given tuples of the primary key and these columns as they are stored, at most
        LOOK_AT_ONCE of them, and says for each whether it is wanted. At most MOST_LOOKED_AT are
        looked at."""
        order = self._complete(tuple(sort) or self.default_sort)
        [key] = self._keys
        position = {} if marker is None else self._position(order, marker)
        found: list[str] = []
        looked = 0
        while True:
            rows = self._chunk(tx, where, (key, *columns), order, position)
            wide = len(columns) + 1
            wanted = fits([row[:wide] for row in rows]) if rows else []
            found += [row[0] for row, fit in zip(rows, wanted, strict=True) if fit]
            looked += len(rows)
            if len(found) > limit or len(rows) < LOOK_AT_ONCE or looked >= MOST_LOOKED_AT:
                break
            last = rows[-1][wide:]
            position = {
                f"m_{name}": self._least(name) if value is None else value
                for (name, _), value in zip(order, last, strict=True)
            }
        more = len(found) > limit or len(rows) == LOOK_AT_ONCE
        return Looked(self.rows(tx, found[:limit]), more, more and len(found) <= limit)

    def _chunk(
        self,
        tx: Tx,
        where: Mapping[str, Any],
        columns: tuple[str, ...],
        order: tuple[tuple[str, Direction], ...],
        position: Mapping[str, Any],
    ) -> list[tuple[Any, ...]]:
        names = tuple(sorted(where))
        plan = (names, columns, order, bool(position))
        wanted = self._looks.get(plan)
        if wanted is None:
            c = self.row.sql_table.c
            chosen = [
                *(c[name] for name in columns),
                *(c[self._field(name)].label(f"o_{name}") for name, _ in order),
            ]
            wanted = Statement(self._build(chosen, names, order, bool(position), True, False))
            if len(self._looks) < STATEMENTS_KEPT:
                self._looks[plan] = wanted
        values = {f"f_{name}": where[name] for name in names}
        return tx.tuples(wanted, **values, **position, page_limit=LOOK_AT_ONCE)

    def rows(self, tx: Tx, ids: Sequence[str]) -> list[R]:
        """The rows of these keys, which are there, in this order."""
        if not ids:
            return []
        [key] = self._keys
        if self._by_ids is None:
            column = self.row.sql_table.c[key]
            columns = self._columns if isinstance(self._columns, list) else [self._columns]
            wanted = sa.select(*columns)
            self._by_ids = Query(
                self.row, wanted.where(column.in_(sa.bindparam("ids", expanding=True)))
            )
        rows = {getattr(row, key): row for row in tx.all(self._by_ids, ids=list(ids))}
        return [rows[id] for id in ids]

    def _position(self, order: tuple[tuple[str, Direction], ...], marker: R) -> dict[str, Any]:
        found = {}
        for key, _ in order:
            value = getattr(marker, self._field(key))
            found[f"m_{key}"] = self._least(key) if value is None else value
        return found

    def _least(self, key: str) -> Any:
        """What stands for "no value" in an order: before all others, and the same on both
        engines, which sort NULL to different ends and never find it greater or smaller."""
        kind = self.row.sql_table.c[self._field(key)].type
        return "" if isinstance(kind, sa.Text) else _LEAST.get(type(kind), 0)

    def _complete(self, sort: Sort) -> tuple[tuple[str, Direction], ...]:
        """The asked order with the primary key behind it; a key named again changes nothing, and
        nothing is left to order behind a key that is unique."""
        sort = list({key: (key, direction) for key, direction in reversed(sort)}.values())[::-1]
        seen = {key for key, _ in sort}
        last = sort[-1][1] if sort else "asc"
        return (*sort, *((key, last) for key in self._keys if key not in seen))

    def _field(self, key: str) -> str:
        column = self.sort_keys.get(key)
        return key if column is None else str(column.name)

    def _column(self, key: str) -> Any:
        column = self.sort_keys.get(key)
        if column is None and key in self._keys:
            column = self.row.sql_table.c[key]
        if column is None:
            raise KeyError(key)
        if column.nullable:
            least = self._least(key)
            return sa.func.coalesce(column, sa.literal(least, column.type))
        return column

    def _build(
        self,
        chosen: Any,
        names: tuple[str, ...],
        order: tuple[tuple[str, Direction], ...],
        marker: bool,
        limit: bool,
        offset: bool,
    ) -> sa.Select[Any]:
        wanted = sa.select(*chosen) if isinstance(chosen, list) else sa.select(chosen)
        if self._scope is not None:
            wanted = wanted.where(self._scope)
        for name in names:
            wanted = wanted.where(self.filters[name](f"f_{name}"))
        if marker:
            wanted = wanted.where(self._after(order))
        for key, direction in order:
            column = self._column(key)
            wanted = wanted.order_by(column.desc() if direction == "desc" else column.asc())
        if limit:
            wanted = wanted.limit(sa.bindparam("page_limit", type_=sa.Integer()))
        if offset:
            wanted = wanted.offset(sa.bindparam("page_offset", type_=sa.Integer()))
        return wanted

    def _after(self, order: tuple[tuple[str, Direction], ...]) -> sa.ColumnElement[bool]:
        columns = [self._column(key) for key, _ in order]
        if len({direction for _, direction in order}) == 1:
            # One comparison of rows, which both engines answer from an index on the columns.
            values = [
                sa.bindparam(f"m_{key}", type_=column.type)
                for (key, _), column in zip(order, columns, strict=True)
            ]
            mine, marker = sa.tuple_(*columns), sa.tuple_(*values)
            return mine < marker if order[0][1] == "desc" else mine > marker
        alternatives = []
        equal: list[sa.ColumnElement[bool]] = []
        for key, direction in order:
            column = self._column(key)
            value = sa.bindparam(f"m_{key}", type_=column.type)
            beyond = column < value if direction == "desc" else column > value
            alternatives.append(sa.and_(*equal, beyond))
            equal = [*equal, column == value]
        return sa.or_(*alternatives)
