"""Queries of wrong guesses."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.guess import GuessRow
from cumulo.identity.queries.expiry import ended

_c = columns(GuessRow)

ANY = statement(sa.select(sa.literal(1)).select_from(GuessRow.sql_table).limit(1))
OLD = ended(GuessRow, "last")
TOO_MANY = query(
    GuessRow,
    sa.select(GuessRow.sql_table)
    .order_by(_c.last.desc())
    .limit(sa.bindparam("most", type_=sa.Integer()))
    .offset(sa.bindparam("kept", type_=sa.Integer())),
)
