"""The query of rows whose end has come, the oldest first."""

from typing import TypeVar

import sqlalchemy as sa

from cumulo.core.db.rows import Row, columns
from cumulo.core.db.statements import Query, query

R = TypeVar("R", bound=Row)


def ended(row: type[R], column: str) -> Query[R]:
    """`now` is of the column's type: a moment, or seconds since the epoch."""
    end = columns(row)[column]
    chosen = sa.select(row.sql_table).where(end <= sa.bindparam("now")).order_by(end)
    return query(row, chosen.limit(sa.bindparam("most", type_=sa.Integer())))
