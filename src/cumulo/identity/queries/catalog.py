"""Queries of regions, services and endpoints."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.catalog import EndpointRow, RegionRow, ServiceRow

_r, _s, _e = columns(RegionRow), columns(ServiceRow), columns(EndpointRow)

REGIONS = Listing(
    RegionRow,
    filters={"parent_region_id": equals(_r.parent_region_id)},
    sort_keys={"id": _r.id},
    default_sort=(("id", "asc"),),
)
SERVICES = Listing(
    ServiceRow,
    filters={"type": equals(_s.type), "name": equals(_s.name)},
    sort_keys={"type": _s.type},
    default_sort=(("type", "asc"),),
)
ENDPOINTS = Listing(
    EndpointRow,
    filters={
        "service_id": equals(_e.service_id),
        "interface": equals(_e.interface),
        "region_id": equals(_e.region_id),
    },
    sort_keys={"service_id": _e.service_id},
    default_sort=(("service_id", "asc"),),
)
ENABLED_SERVICES = query(
    ServiceRow,
    sa.select(ServiceRow.sql_table).where(_s.enabled.is_(True)).order_by(_s.type, _s.id),
)
ENABLED_ENDPOINTS = query(
    EndpointRow,
    sa.select(EndpointRow.sql_table).where(_e.enabled.is_(True)).order_by(_e.id),
)
