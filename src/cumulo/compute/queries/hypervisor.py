"""Queries of hypervisors, aggregates and server groups."""

import sqlalchemy as sa

from cumulo.compute.model.hypervisor import AggregateRow, HypervisorRow, ServerGroupRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query

_h, _a, _g = columns(HypervisorRow), columns(AggregateRow), columns(ServerGroupRow)

HYPERVISORS = Listing(
    HypervisorRow,
    filters={"host": equals(_h.host_id), "zone": equals(_h.zone)},
    sort_keys={"id": _h.id},
    default_sort=(("id", "asc"),),
)
ON_HOST = query(
    HypervisorRow, sa.select(HypervisorRow.sql_table).where(_h.host_id == sa.bindparam("host"))
)
AGGREGATES = query(AggregateRow, sa.select(AggregateRow.sql_table).order_by(_a.id))
GROUPS = Listing(
    ServerGroupRow,
    filters={"project_id": equals(_g.project_id)},
    sort_keys={"created_at": _g.created_at},
    default_sort=(("created_at", "asc"),),
)
