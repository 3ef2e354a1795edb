"""Queries of numbers."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.core.db.transaction import Tx
from cumulo.network.model.number import NumberRow

_c = columns(NumberRow)
_NEXT = statement(
    sa.update(NumberRow.sql_table)
    .where(_c.kind == sa.bindparam("which"))
    .values(last=_c.last + 1)
    .returning(_c.last)
)


def last_number(tx: Tx, kind: str) -> int:
    """The last one that was given; 0: none yet."""
    row = tx.get(NumberRow, kind)
    return 0 if row is None else row.last


def next_number(tx: Tx, kind: str) -> int:
    """The next number of this kind, from 1; never given twice."""
    given = tx.changed(_NEXT, which=kind)
    if not given:
        tx.insert(NumberRow(kind, 0), ignore_duplicate=True)
        given = tx.changed(_NEXT, which=kind)
    return int(given[0][0])
