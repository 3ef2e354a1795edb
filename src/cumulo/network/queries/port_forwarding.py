"""Queries of port forwardings."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.network.model.port_forwarding import PortForwardingRow
from cumulo.network.queries.lists import NounListing, parameter

_t = PortForwardingRow.sql_table
_c = columns(PortForwardingRow)

FORWARDINGS = NounListing(PortForwardingRow, json=("name", "router_id"))
OF_FLOATINGIPS = query(
    PortForwardingRow,
    sa.select(_t).where(_c.floatingip_id.in_(parameter("ids"))).order_by(_c.created_at, _c.id),
)
OF_ROUTERS = query(
    PortForwardingRow,
    sa.select(_t).where(_c.router_id.in_(parameter("ids"))).order_by(_c.created_at, _c.id),
)
OF_PORT = query(
    PortForwardingRow,
    sa.select(_t).where(_c.internal_port_id == sa.bindparam("port_id")).order_by(_c.id),
)
