"""Queries of how hosts reach one another."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.host import NetworkChangeRow, NetworkHostRow
from cumulo.network.model.port import FLOATING_IP, PortRow
from cumulo.network.queries.lists import parameter

_t, _n, _p = columns(NetworkHostRow), columns(NetworkChangeRow), columns(PortRow)

GATEWAYS = statement(sa.select(_t.host_id, _t.gateway))
WITH_TUNNELS = statement(sa.select(_t.host_id).where(_t.tunnel.is_not(None)).limit(2))
"""Two are enough to know that there are several."""
WITH_TUNNEL = statement(sa.select(_t.host_id).where(_t.tunnel == sa.bindparam("tunnel")))
NOTE_CHANGE = statement(
    # The number grows when the hosts are told.
    sa.text(
        "INSERT INTO network_changes (network_id, number, pending)"
        " SELECT id, 1, CAST(1 = 1 AS BOOLEAN) FROM network_networks WHERE id = :network"
        " ON CONFLICT (network_id) DO UPDATE SET pending = excluded.pending"
    )
)
NOTE_ALL = statement(
    sa.text(
        "INSERT INTO network_changes (network_id, number, pending)"
        " SELECT id, 1, CAST(1 = 1 AS BOOLEAN) FROM network_networks WHERE 1 = 1"
        " ON CONFLICT (network_id) DO UPDATE SET pending = excluded.pending"
    )
)
CHANGED = query(
    NetworkChangeRow,
    sa.select(NetworkChangeRow.sql_table)
    .where(_n.pending.is_(True))
    .order_by(_n.network_id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
NUMBERS = query(
    NetworkChangeRow,
    sa.select(NetworkChangeRow.sql_table).where(_n.network_id.in_(parameter("ids"))),
)
TUNNELS_OF_NETWORK = statement(
    sa.select(_p.host_id)
    .distinct()
    .join_from(PortRow.sql_table, NetworkHostRow.sql_table, _t.host_id == _p.host_id)
    .where(_p.network_id == sa.bindparam("network_id"), _t.tunnel.is_not(None))
)
"""Hosts with the network and with tunnels."""
NEIGHBOURS = statement(
    sa.select(_p.network_id, _p.id, _t.tunnel)
    .join_from(PortRow.sql_table, NetworkHostRow.sql_table, _t.host_id == _p.host_id)
    .where(_p.network_id.in_(parameter("ids")), _p.role != FLOATING_IP)
    .order_by(_p.id)
)
