"""Queries of floating IPs."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.queries.lists import NounListing, parameter

_t = FloatingIpRow.sql_table
_c = columns(FloatingIpRow)

FLOATINGIPS = NounListing(FloatingIpRow)
OF_PORTS = query(
    FloatingIpRow,
    sa.select(_t).where(_c.port_id.in_(parameter("ids"))).order_by(_c.created_at, _c.id),
)
OF_ROUTERS = query(
    FloatingIpRow,
    sa.select(_t).where(_c.router_id.in_(parameter("ids"))).order_by(_c.created_at, _c.id),
)
UNUSED_ON = query(
    FloatingIpRow,
    sa.select(_t).where(_c.floating_network_id == sa.bindparam("network_id"), _c.port_id.is_(None)),
)
"""Floating IPs of an external network that lead to no port."""
OF_PROJECT = query(
    FloatingIpRow,
    sa.select(_t)
    .where(_c.project_id == sa.bindparam("project_id"))
    .order_by(_c.created_at, _c.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
