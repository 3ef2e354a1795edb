"""Queries of pools."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.dns.model.pool import PoolNamesRow, PoolRow
from cumulo.dns.model.zone import ZoneRow

MOST = 100
"""Pools that are made by the API: all of them are looked at when a zone is made."""
_c = columns(PoolRow)
_z = columns(ZoneRow)
ALL = query(PoolRow, sa.select(PoolRow.sql_table).order_by(_c.created_at, _c.id).limit(MOST))
NAMED = query(PoolRow, sa.select(PoolRow.sql_table).where(_c.name == sa.bindparam("name")))
A_ZONE = query(
    ZoneRow,
    sa.select(ZoneRow.sql_table).where(_z.pool_id == sa.bindparam("pool_id")).limit(1),
)
ZONES_AFTER = query(
    ZoneRow,
    sa.select(ZoneRow.sql_table)
    .where(_z.pool_id == sa.bindparam("pool_id"), _z.id > sa.bindparam("id"))
    .order_by(_z.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
NAMES = query(PoolNamesRow, sa.select(PoolNamesRow.sql_table))
