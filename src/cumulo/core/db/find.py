"""Any row by its id or name, whatever it is: for the operator's questions, not for requests."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import METADATA
from cumulo.core.db.statements import Statement, statement
from cumulo.core.db.transaction import Tx

_BY_ID: dict[str, tuple[list[str], Statement]] = {}
"""Compiled once for each table: its columns, and the question."""
_BY_NAME: dict[str, Statement] = {}


def rows_of(tx: Tx, id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(table's name, columns) of every row whose text `id` this is."""
    for table in METADATA.sorted_tables:
        column = table.c.get("id")
        if column is None or not isinstance(column.type, sa.Text):
            continue
        if table.name not in _BY_ID:
            wanted = statement(sa.select(table).where(column == sa.bindparam("id")))
            _BY_ID[table.name] = ([each.name for each in table.columns], wanted)
        names, wanted = _BY_ID[table.name]
        for values in tx.tuples(wanted, id=id):
            yield table.name, dict(zip(names, values, strict=True))


def ids_of_name(tx: Tx, name: str, most: int) -> Iterator[str]:
    """The text ids of rows that are called so; `most` of each table. Reads whole tables."""
    for table in METADATA.sorted_tables:
        id, called = table.c.get("id"), table.c.get("name")
        if id is None or called is None or not isinstance(id.type, sa.Text):
            continue
        if table.name not in _BY_NAME:
            wanted = sa.select(id).where(called == sa.bindparam("called"))
            _BY_NAME[table.name] = statement(wanted.limit(sa.bindparam("most", type_=sa.Integer())))
        for (found,) in tx.tuples(_BY_NAME[table.name], called=name, most=most):
            yield found
