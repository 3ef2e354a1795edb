"""Queries of hosts and of the parts of their desired state."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.hosts.model import HostRow, PartRow

_h, _p = columns(HostRow), columns(PartRow)
ALL = query(HostRow, sa.select(HostRow.sql_table).order_by(_h.id))
GET = query(HostRow, sa.select(HostRow.sql_table).where(_h.id == sa.bindparam("id")))
SEEN = statement(
    sa.update(HostRow.sql_table)
    .where(_h.id == sa.bindparam("key"))
    .values(last_seen=sa.bindparam("seen"), roles=sa.bindparam("kinds"))
)
ENABLE = statement(
    sa.update(HostRow.sql_table)
    .where(_h.id == sa.bindparam("key"))
    .values(enabled=sa.bindparam("wanted"))
)
PART = query(
    PartRow,
    sa.select(PartRow.sql_table).where(
        _p.host_id == sa.bindparam("h"), _p.kind == sa.bindparam("k")
    ),
)
GROW = statement(
    sa.update(PartRow.sql_table)
    .where(_p.host_id.in_(sa.bindparam("hosts", expanding=True)), _p.kind == sa.bindparam("k"))
    .values(generation=_p.generation + 1)
    .returning(_p.host_id, _p.generation)
)
APPLIED = statement(
    sa.update(PartRow.sql_table)
    .where(
        _p.host_id == sa.bindparam("h"),
        _p.kind == sa.bindparam("k"),
        _p.applied <= sa.bindparam("g"),
    )
    .values(applied=sa.bindparam("g"), fault=sa.bindparam("why"))
)
