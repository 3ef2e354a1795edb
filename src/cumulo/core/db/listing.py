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
from typing import Any, Generic, Literal, TypeVar

import sqlalchemy as sa

from cumulo.core.db.rows import Row
from cumulo.core.db.statements import Query, Statement
from cumulo.core.db.transaction import Tx

R = TypeVar("R", bound=Row)

Direction = Literal["asc", "desc"]
Sort = Sequence[tuple[str, Direction]]
Condition = Callable[[str], "sa.ColumnElement[bool]"]
"""Makes a clause out of the name of the parameter that will hold the value."""

STATEMENTS_KEPT = 512


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


def contains(column: sa.Column[Any]) -> Condition:
    """Sub-string match; `%` and `_` of the value mean themselves."""
    return lambda name: column.contains(sa.bindparam(name, type_=sa.Text()), autoescape=False)


def is_null(column: sa.Column[Any]) -> Condition:
    """The value is a boolean: True asks for rows without a value."""
    return lambda name: column.is_(None) == sa.bindparam(name, type_=sa.Boolean())


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
    ) -> None:
        self.row = row
        self.filters = dict(filters)
        self.sort_keys = dict(sort_keys)
        self.default_sort = tuple(default_sort)
        self._scope = scope
        self._keys = [c.name for c in row.sql_table.primary_key.columns]
        self._kept: dict[Any, Query[R]] = {}
        self._counts: dict[tuple[str, ...], Statement] = {}

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
        order = self._complete(tuple(sort) or self.default_sort)
        names = tuple(sorted(where))
        plan = (names, order, marker is not None, limit is not None, offset > 0)
        wanted = self._kept.get(plan)
        if wanted is None:
            wanted = Query(self.row, self._build(*plan))
            if len(self._kept) < STATEMENTS_KEPT:
                self._kept[plan] = wanted
        parameters: dict[str, Any] = {f"f_{name}": where[name] for name in names}
        if marker is not None:
            for key, _ in order:
                value = getattr(marker, self._field(key))
                parameters[f"m_{key}"] = "" if value is None else value
        if limit is not None:
            parameters["page_limit"] = limit
        if offset:
            parameters["page_offset"] = offset
        return tx.all(wanted, **parameters)

    def _complete(self, sort: Sort) -> tuple[tuple[str, Direction], ...]:
        """The asked order with the primary key behind it."""
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
        if column.nullable and isinstance(column.type, sa.Text):
            return sa.func.coalesce(column, "")
        return column

    def _build(
        self,
        names: tuple[str, ...],
        order: tuple[tuple[str, Direction], ...],
        marker: bool,
        limit: bool,
        offset: bool,
    ) -> sa.Select[Any]:
        wanted = sa.select(self.row.sql_table)
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
