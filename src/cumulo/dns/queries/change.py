"""Queries of the order of changes."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.dns.model.change import ChangeRow, CounterRow, ServerRow

_n = columns(CounterRow)
_c = columns(ChangeRow)
_s = columns(ServerRow)

_now = sa.bindparam("now", type_=sa.BigInteger())
NEXT = statement(
    sa.update(CounterRow.sql_table)
    .where(_n.id == sa.bindparam("counter"))
    .values(value=sa.case((_n.value >= _now, _n.value + 1), else_=_now))
    .returning(_n.value)
)
SINCE = query(
    ChangeRow,
    sa.select(ChangeRow.sql_table)
    .where(_c.number > sa.bindparam("number"))
    .order_by(_c.number)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
FORGET = statement(sa.delete(ChangeRow.sql_table).where(_c.number <= sa.bindparam("upto")))
SERVERS = query(ServerRow, sa.select(ServerRow.sql_table).order_by(_s.id))
DROP_SERVER = statement(
    sa.delete(ServerRow.sql_table).where(
        _s.id == sa.bindparam("server"), _s.seen == sa.bindparam("last_seen")
    )
)
"""Unless it has been heard of since."""
