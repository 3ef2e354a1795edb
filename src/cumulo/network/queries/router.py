"""Queries of routers."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.router import RouterRow
from cumulo.network.queries.lists import NounListing, parameter

_t = RouterRow.sql_table
_c = columns(RouterRow)

ROUTERS = NounListing(RouterRow, json=("routes", "availability_zone_hints"))
BY_IDS = query(RouterRow, sa.select(_t).where(_c.id.in_(parameter("ids"))))
ON_HOST = query(
    RouterRow, sa.select(_t).where(_c.host_id == sa.bindparam("host_id")).order_by(_c.number)
)
UNPLACED = query(RouterRow, sa.select(_t).where(_c.host_id.is_(None)))
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
