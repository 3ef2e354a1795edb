"""Queries of security services and of what they are attached to."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, contains, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.security import AttachedServiceRow, SecurityServiceRow

_t, _c = SecurityServiceRow.sql_table, columns(SecurityServiceRow)
_a = columns(AttachedServiceRow)

SERVICES = Listing(
    SecurityServiceRow,
    filters={
        "project_id": equals(_c.project_id),
        "name": equals(_c.name),
        "name_like": contains(_c.name),
        "type": equals(_c.type),
        "user": equals(_c.user),
        "server": equals(_c.server),
        "dns_ip": equals(_c.dns_ip),
        "domain": equals(_c.domain),
        "ou": equals(_c.ou),
        "default_ad_site": equals(_c.default_ad_site),
        "share_network_id": lambda name: _c.id.in_(
            sa.select(_a.security_service_id).where(_a.share_network_id == sa.bindparam(name))
        ),
    },
    sort_keys={"id": _c.id, "created_at": _c.created_at, "name": _c.name},
)
OF_NETWORK = query(
    SecurityServiceRow,
    sa.select(_t)
    .where(
        _c.id.in_(
            sa.select(_a.security_service_id).where(
                _a.share_network_id == sa.bindparam("share_network_id")
            )
        )
    )
    .order_by(_c.id),
)
COUNT_OF = statement(sa.select(sa.func.count()).where(_c.project_id == sa.bindparam("project_id")))
NETWORKS_OF = statement(
    sa.select(_a.security_service_id, _a.share_network_id)
    .where(_a.security_service_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(_a.share_network_id)
    .limit(5000)
)
