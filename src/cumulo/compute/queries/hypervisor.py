"""Queries of hypervisors, aggregates and server groups."""

import sqlalchemy as sa

from cumulo.compute.model.hypervisor import (
    AggregateRow,
    CachedImageRow,
    HypervisorRow,
    ServerGroupRow,
)
from cumulo.core.db.listing import Listing, contains, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_h, _a, _g = columns(HypervisorRow), columns(AggregateRow), columns(ServerGroupRow)
_i = columns(CachedImageRow)

HYPERVISORS = Listing(
    HypervisorRow,
    filters={
        "host": equals(_h.host_id),
        "hosts": one_of(_h.host_id),
        "name_part": contains(_h.host_id),
        "uuid": equals(_h.uuid),
        "service_uuid": equals(_h.service_uuid),
        "zone": equals(_h.zone),
    },
    sort_keys={"id": _h.id},
    default_sort=(("id", "asc"),),
)
ON_HOST = query(
    HypervisorRow, sa.select(HypervisorRow.sql_table).where(_h.host_id == sa.bindparam("host"))
)
COUNT = statement(sa.select(sa.func.count()).select_from(HypervisorRow.sql_table))
ZONES = statement(
    sa.select(_h.zone, sa.func.max(sa.case((_h.disabled.is_(True), 0), else_=1)))
    .group_by(_h.zone)
    .order_by(_h.zone)
)
TOTALS = statement(
    sa.select(_h.resources, sa.func.count()).where(_h.disabled.is_(False)).group_by(_h.resources)
)
"""What hosts have, and how many have just that: machines are bought by the dozen."""
AGGREGATE_ZONES = statement(sa.select(_a.uuid, _a.metadata).order_by(_a.id))
AGGREGATES = query(AggregateRow, sa.select(AggregateRow.sql_table).order_by(_a.id))
GROUPS = Listing(
    ServerGroupRow,
    filters={"project_id": equals(_g.project_id)},
    sort_keys={"created_at": _g.created_at},
    default_sort=(("created_at", "asc"),),
)
CACHED = query(
    CachedImageRow,
    sa.select(CachedImageRow.sql_table).where(
        _i.host_id == sa.bindparam("host"),
        _i.image_id.in_(sa.bindparam("images", expanding=True)),
    ),
)
CACHED_ON = query(
    CachedImageRow,
    sa.select(CachedImageRow.sql_table).where(_i.host_id == sa.bindparam("host")),
)
EXPIRED = query(
    CachedImageRow,
    sa.select(CachedImageRow.sql_table)
    .where(_i.until <= sa.bindparam("now"))
    .order_by(_i.until)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
