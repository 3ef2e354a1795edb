"""Queries of subnets and of the addresses that are given out."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.ipam import CHUNK
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import PortRow
from cumulo.network.model.subnet import AllocationRow, SubnetRow
from cumulo.network.queries.lists import NounListing, parameter
from cumulo.network.queries.rbac import shared_to, sharing

_t = SubnetRow.sql_table
_c, _n, _a, _p = (columns(row) for row in (SubnetRow, NetworkRow, AllocationRow, PortRow))


def _visible(name: str) -> sa.ColumnElement[bool]:
    own: Any = _c.project_id == sa.bindparam(name)
    return sa.or_(own, _c.network_id.in_(shared_to("network", name)))


SUBNETS = NounListing(
    SubnetRow,
    json=("allocation_pools", "dns_nameservers", "host_routes", "cursor", "service_types"),
    more=sharing("network", _c.network_id),
    visible=_visible,
)
BY_IDS = query(SubnetRow, sa.select(_t).where(_c.id.in_(parameter("ids"))))
OF_NETWORKS = query(
    SubnetRow,
    sa.select(_t).where(_c.network_id.in_(parameter("ids"))).order_by(_c.created_at, _c.id),
)

EXTERNAL = statement(
    sa.select(_c.cidr).where(
        _c.network_id.in_(
            sa.select(columns(NetworkRow).id).where(columns(NetworkRow).external.is_(True))
        )
    )
)

OF_PORTS = query(
    AllocationRow,
    sa.select(AllocationRow.sql_table)
    .where(_a.port_id.in_(parameter("ids")))
    .order_by(_a.port_id, _a.position, _a.ip_address),
)
OF_SUBNET = query(
    AllocationRow,
    sa.select(AllocationRow.sql_table).where(_a.subnet_id == sa.bindparam("subnet_id")),
)
TAKEN = statement(
    sa.select(_a.place)
    .where(
        _a.subnet_id == sa.bindparam("subnet_id"),
        _a.place >= sa.bindparam("first"),
        _a.place <= sa.bindparam("last"),
    )
    .order_by(_a.place)
    .limit(CHUNK)
)
USERS = query(
    PortRow,
    sa.select(PortRow.sql_table)
    .where(_p.id.in_(sa.select(_a.port_id).where(_a.subnet_id == sa.bindparam("subnet_id"))))
    .order_by(_p.number),
)
"""The ports that have an address of the subnet."""
DROP_OF_PORT = statement(
    sa.delete(AllocationRow.sql_table).where(_a.port_id == sa.bindparam("port"))
)
