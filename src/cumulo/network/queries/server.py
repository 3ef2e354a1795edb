"""Queries of what compute sees of the ports of servers: single columns, names joined in."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import Statement, statement
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import COMPUTE, PortGroupRow, PortRow
from cumulo.network.model.security_group import SecurityGroupRow
from cumulo.network.model.subnet import AllocationRow
from cumulo.network.queries.lists import parameter

_p, _n, _a = columns(PortRow), columns(NetworkRow), columns(AllocationRow)
_f, _m, _g = columns(FloatingIpRow), columns(PortGroupRow), columns(SecurityGroupRow)


# 0: a control node of an older release made it, while others were upgraded.
_in_order = sa.func.coalesce(sa.func.nullif(_p.plug_order, 0), _p.number)


def _ports(which: Any) -> Statement:
    return statement(
        sa.select(
            _p.id,
            _p.project_id,
            _p.network_id,
            _n.name,
            _p.mac_address,
            _p.status,
            _n.mtu,
            _p.holder,
            _p.role,
            _p.host_id,
            _p.tag,
        )
        .join_from(PortRow.sql_table, NetworkRow.sql_table, _n.id == _p.network_id)
        .where(which)
        .order_by(_in_order)
    )


_ON_SERVERS = sa.and_(_p.holder.in_(parameter("ids")), _p.role == COMPUTE)
PORTS_OF = _ports(_ON_SERVERS)
FIXED_OF = statement(
    sa.select(_p.holder, _a.ip_address)
    .join_from(PortRow.sql_table, AllocationRow.sql_table, _a.port_id == _p.id)
    .where(_ON_SERVERS)
)
FLOATING_OF = statement(
    sa.select(_p.holder, _f.floating_ip_address)
    .join_from(PortRow.sql_table, FloatingIpRow.sql_table, _f.port_id == _p.id)
    .where(_ON_SERVERS)
)
ADDRESSES = statement(
    sa.select(_a.port_id, _a.subnet_id, _a.ip_address)
    .where(_a.port_id.in_(parameter("ids")))
    .order_by(_a.port_id, _a.position, _a.ip_address)
)
FLOATING = statement(
    sa.select(_f.port_id, _f.floating_ip_address)
    .where(_f.port_id.in_(parameter("ids")))
    .order_by(_f.created_at, _f.id)
)
GROUP_NAMES = statement(
    sa.select(_m.port_id, _g.name)
    .join_from(PortGroupRow.sql_table, SecurityGroupRow.sql_table, _g.id == _m.group_id)
    .where(_m.port_id.in_(parameter("ids")))
    .order_by(_m.port_id, _m.group_id)
)
