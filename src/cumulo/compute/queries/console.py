"""Queries of consoles."""

import sqlalchemy as sa

from cumulo.compute.model.console import ConsoleRow
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement

_c = columns(ConsoleRow)
FORGET = statement(sa.delete(ConsoleRow.sql_table).where(_c.ends_at <= sa.bindparam("now")))
