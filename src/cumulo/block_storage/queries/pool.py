"""Queries of pools: capacity is taken and given back by conditional updates."""

import sqlalchemy as sa

from cumulo.block_storage.model.pool import OVERSUBSCRIPTION, PoolRow
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.hosts.queries import is_alive

_t, _c = PoolRow.sql_table, columns(PoolRow)
_room = sa.or_(
    _c.total_gb.is_(None),
    _c.allocated_gb + sa.bindparam("n") <= _c.total_gb * OVERSUBSCRIPTION,
)

ALL = query(PoolRow, sa.select(_t).order_by(_c.host_id))
CANDIDATES = statement(
    sa.select(_c.host_id)
    .where(_room, _c.frozen.is_(False), is_alive(_c.host_id, "alive_since"))
    .order_by(_c.allocated_gb, _c.host_id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
"""Hosts with room that were heard of, those that have promised the least first."""
TAKE = statement(
    sa.update(_t)
    .where(_c.host_id == sa.bindparam("h"), _c.frozen.is_(False), _room)
    .values(allocated_gb=_c.allocated_gb + sa.bindparam("n"))
)
GIVE = statement(
    sa.update(_t)
    .where(_c.host_id == sa.bindparam("h"))
    .values(allocated_gb=_c.allocated_gb - sa.bindparam("n"))
)
