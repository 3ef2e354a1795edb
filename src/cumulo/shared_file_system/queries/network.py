"""Queries of share networks and export servers."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, at_least, at_most, contains, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.network import ServerRow, ShareNetworkRow
from cumulo.shared_file_system.model.share import ShareRow

_c, _s, _h = columns(ShareNetworkRow), columns(ServerRow), columns(ShareRow)

NETWORKS = Listing(
    ShareNetworkRow,
    filters={
        "project_id": equals(_c.project_id),
        "name": equals(_c.name),
        "name_like": contains(_c.name),
        "description": equals(_c.description),
        "description_like": contains(_c.description),
        "neutron_net_id": equals(_c.network_id),
        "neutron_subnet_id": equals(_c.subnet_id),
        "ip_version": equals(_c.ip_version),
        "cidr": equals(_c.cidr),
        "created_since": at_least(_c.created_at),
        "created_before": at_most(_c.created_at),
    },
    sort_keys={"id": _c.id, "created_at": _c.created_at, "name": _c.name},
)
SERVERS = Listing(
    ServerRow,
    filters={
        "project_id": equals(_s.project_id),
        "share_network_id": equals(_s.share_network_id),
        "host": equals(_s.host_id),
    },
    sort_keys={"id": _s.id, "created_at": _s.created_at},
)
SERVERS_BY_IDS = query(
    ServerRow,
    sa.select(ServerRow.sql_table).where(_s.id.in_(sa.bindparam("ids", expanding=True))),
)
SERVERS_OF = query(
    ServerRow,
    sa.select(ServerRow.sql_table)
    .where(_s.share_network_id == sa.bindparam("share_network_id"))
    .order_by(_s.id),
)
SHARES_OF = statement(
    sa.select(sa.func.count()).where(_h.share_network_id == sa.bindparam("share_network_id"))
)
