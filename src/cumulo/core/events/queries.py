"""Queries of events."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.events.model import EventRow

_c = columns(EventRow)
_t = EventRow.sql_table
OF = query(
    EventRow,
    sa.select(_t).where(_c.resource_id == sa.bindparam("resource_id")).order_by(_c.sequence),
)
SINCE = query(
    EventRow,
    sa.select(_t)
    .where(_c.sequence > sa.bindparam("sequence"))
    .order_by(_c.sequence)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
FORGET = statement(sa.delete(_t).where(_c.at < sa.bindparam("before")))
