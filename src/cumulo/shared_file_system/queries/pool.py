"""Queries of pools: capacity is taken and given back by conditional updates."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.pool import OVERSUBSCRIPTION, PoolRow

_t, _c = PoolRow.sql_table, columns(PoolRow)
_room = sa.or_(
    _c.total_gb.is_(None),
    _c.allocated_gb + sa.bindparam("n") <= _c.total_gb * OVERSUBSCRIPTION,
)

ALL = query(PoolRow, sa.select(_t).order_by(_c.host_id))
TAKE = statement(
    sa.update(_t)
    .where(_c.host_id == sa.bindparam("h"), _room)
    .values(allocated_gb=_c.allocated_gb + sa.bindparam("n"))
)
GIVE = statement(
    sa.update(_t)
    .where(_c.host_id == sa.bindparam("h"))
    .values(allocated_gb=_c.allocated_gb - sa.bindparam("n"))
)
