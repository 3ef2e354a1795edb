"""Queries of share networks, their subnets, and export servers."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Condition, Listing, at_least, at_most, contains, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.network import ServerRow, ShareNetworkRow, SubnetRow
from cumulo.shared_file_system.model.security import AttachedServiceRow
from cumulo.shared_file_system.model.share import ShareRow

_c, _u, _s, _h = (
    columns(ShareNetworkRow),
    columns(SubnetRow),
    columns(ServerRow),
    columns(ShareRow),
)
_a = columns(AttachedServiceRow)


def _any_subnet(column: Any) -> Condition:
    """One of its subnets is so."""
    return lambda name: _c.id.in_(
        sa.select(_u.share_network_id).where(column == sa.bindparam(name))
    )


NETWORKS = Listing(
    ShareNetworkRow,
    filters={
        "project_id": equals(_c.project_id),
        "name": equals(_c.name),
        "name_like": contains(_c.name),
        "description": equals(_c.description),
        "description_like": contains(_c.description),
        "neutron_net_id": _any_subnet(_u.network_id),
        "neutron_subnet_id": _any_subnet(_u.subnet_id),
        "ip_version": _any_subnet(_u.ip_version),
        "cidr": _any_subnet(_u.cidr),
        "security_service_id": lambda name: _c.id.in_(
            sa.select(_a.share_network_id).where(_a.security_service_id == sa.bindparam(name))
        ),
        "created_since": at_least(_c.created_at),
        "created_before": at_most(_c.created_at),
    },
    sort_keys={"id": _c.id, "created_at": _c.created_at, "name": _c.name},
)
SUBNETS_OF = query(
    SubnetRow,
    sa.select(SubnetRow.sql_table)
    .where(_u.share_network_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(_u.created_at, _u.id),
)
SERVERS = Listing(
    ServerRow,
    filters={
        "project_id": equals(_s.project_id),
        "share_network_id": equals(_s.share_network_id),
        "share_network": lambda name: sa.or_(
            _s.share_network_id == sa.bindparam(name),
            _s.share_network_id.in_(sa.select(_c.id).where(_c.name == sa.bindparam(name))),
        ),
        "identifier": equals(_s.id),
        "host": equals(_s.host_id),
    },
    sort_keys={"id": _s.id, "created_at": _s.created_at},
)
SERVERS_BY_IDS = query(
    ServerRow,
    sa.select(ServerRow.sql_table).where(_s.id.in_(sa.bindparam("ids", expanding=True))),
)
NETWORKS_BY_IDS = query(
    ShareNetworkRow,
    sa.select(ShareNetworkRow.sql_table).where(_c.id.in_(sa.bindparam("ids", expanding=True))),
)
SERVERS_OF = query(
    ServerRow,
    sa.select(ServerRow.sql_table)
    .where(_s.share_network_id == sa.bindparam("share_network_id"))
    .order_by(_s.id),
)
SERVERS_WITH_UNMANAGED = query(
    ServerRow,
    sa.select(ServerRow.sql_table).where(
        _s.host_id == sa.bindparam("host_id"), sa.cast(_s.unmanaged, sa.Text()) != "[]"
    ),
)
SHARES_OF = statement(
    sa.select(sa.func.count()).where(
        sa.or_(
            _h.share_network_id == sa.bindparam("share_network_id"),
            _h.server_id.in_(
                sa.select(_s.id).where(_s.share_network_id == sa.bindparam("share_network_id"))
            ),
        )
    )
)
SERVED = statement(
    sa.select(sa.func.count()).where(_s.share_network_id.in_(sa.bindparam("ids", expanding=True)))
)
SHARES_ON = statement(sa.select(sa.func.count()).where(_h.server_id == sa.bindparam("server_id")))
