"""Queries of registered limits and limits."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, is_null, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.catalog import ServiceRow
from cumulo.identity.model.limit import LimitRow, RegisteredLimitRow
from cumulo.identity.model.project import ProjectRow

_r, _l = columns(RegisteredLimitRow), columns(LimitRow)
_s, _p = columns(ServiceRow), columns(ProjectRow)

REGISTERED = Listing(
    RegisteredLimitRow,
    filters={
        "service_id": equals(_r.service_id),
        "region_id": equals(_r.region_id),
        "no_region": is_null(_r.region_id),
        "resource_name": equals(_r.resource_name),
    },
    sort_keys={"resource_name": _r.resource_name},
    default_sort=(("resource_name", "asc"),),
)
LIMITS = Listing(
    LimitRow,
    filters={
        "project_id": equals(_l.project_id),
        "project_ids": one_of(_l.project_id),
        "domain_id": equals(_l.domain_id),
        "registered_limit_id": equals(_l.registered_limit_id),
        "registered_limit_ids": one_of(_l.registered_limit_id),
    },
    sort_keys={"id": _l.id},
    default_sort=(("id", "asc"),),
)
ALL_REGISTERED = query(RegisteredLimitRow, sa.select(RegisteredLimitRow.sql_table))
REGISTERED_OF_TYPE = query(
    RegisteredLimitRow,
    sa.select(RegisteredLimitRow.sql_table)
    .join(ServiceRow.sql_table, _s.id == _r.service_id)
    .where(_s.type == sa.bindparam("service_type")),
)
OF_PROJECT = statement(
    sa.select(_r.resource_name, _r.default_limit, _l.resource_limit)
    .join(ServiceRow.sql_table, _s.id == _r.service_id)
    .outerjoin(
        LimitRow.sql_table,
        sa.and_(_l.registered_limit_id == _r.id, _l.project_id == sa.bindparam("project_id")),
    )
    .where(
        _s.type.in_(sa.bindparam("types", expanding=True)),
        sa.or_(_r.region_id.is_(None), _r.region_id == sa.bindparam("region")),
    )
    .order_by(_r.region_id.is_not(None), _r.id)
)
"""(name, default, the project's own): those of a region after those of all regions."""
IN_DOMAIN = statement(
    sa.select(_l.resource_limit)
    .join(ProjectRow.sql_table, _p.id == _l.project_id)
    .where(
        _p.domain_id == sa.bindparam("domain_id"),
        _l.registered_limit_id == sa.bindparam("registered_limit_id"),
    )
)
