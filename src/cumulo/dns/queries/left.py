"""Queries of zones that were abandoned."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.dns.model.left import LeftRow

_c = columns(LeftRow)
NAMED = query(LeftRow, sa.select(LeftRow.sql_table).where(_c.name == sa.bindparam("name")))
AFTER = query(
    LeftRow,
    sa.select(LeftRow.sql_table).where(_c.id > sa.bindparam("id")).order_by(_c.id).limit(1),
)
ALL = query(LeftRow, sa.select(LeftRow.sql_table).order_by(_c.name))
OWNERS = statement(sa.select(_c.name, _c.project_id))
"""There are `left.MOST` at the most."""
COUNT = statement(sa.select(sa.func.count()).select_from(LeftRow.sql_table))
