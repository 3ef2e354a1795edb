"""Queries of metrics, resources and points."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.telemetry.model.metric import ArchivePolicyRow, MetricRow, PointRow, ResourceRow

_m, _r, _p = columns(MetricRow), columns(ResourceRow), columns(PointRow)
_a = columns(ArchivePolicyRow)

POLICIES = query(ArchivePolicyRow, sa.select(ArchivePolicyRow.sql_table).order_by(_a.name))
METRICS = Listing(
    MetricRow,
    filters={
        "id": one_of(_m.id),
        "name": one_of(_m.name),
        "project_id": equals(_m.project_id),
        "resource_id": one_of(_m.resource_id),
        "archive_policy": equals(_m.archive_policy),
        "creator": equals(_m.creator),
    },
    sort_keys={"id": _m.id, "name": _m.name, "created_at": _m.created_at},
    default_sort=(("id", "asc"),),
)
NAMED = query(
    MetricRow,
    sa.select(MetricRow.sql_table).where(
        _m.resource_id == sa.bindparam("resource"), _m.name == sa.bindparam("name")
    ),
)
OF_RESOURCES = query(
    MetricRow,
    sa.select(MetricRow.sql_table)
    .where(_m.resource_id.in_(sa.bindparam("resources", expanding=True)))
    .order_by(_m.name),
)
ORIGINAL = query(
    ResourceRow,
    sa.select(ResourceRow.sql_table)
    .where(_r.original_id == sa.bindparam("original"), _r.project_id == sa.bindparam("project"))
    .order_by(_r.id)
    .limit(1),
)
OF_PROJECT = statement(sa.select(sa.func.count()).where(_m.project_id == sa.bindparam("project")))
POLICY_USED = statement(sa.select(sa.func.count()).where(_m.archive_policy == sa.bindparam("name")))
RESOURCES = Listing(
    ResourceRow,
    filters={
        "id": one_of(_r.id),
        "original_id": one_of(_r.original_id),
        "type": equals(_r.type),
        "project_id": equals(_r.project_id),
        "user_id": equals(_r.user_id),
    },
    sort_keys={
        "id": _r.id,
        "type": _r.type,
        "started_at": _r.started_at,
        "ended_at": _r.ended_at,
        "revision_start": _r.revision_start,
        "project_id": _r.project_id,
        "user_id": _r.user_id,
    },
    default_sort=(("revision_start", "asc"), ("started_at", "asc")),
)
POINTS = query(
    PointRow,
    sa.select(PointRow.sql_table)
    .where(
        _p.metric_id == sa.bindparam("metric"),
        _p.granularity == sa.bindparam("granularity"),
        _p.at >= sa.bindparam("since"),
        _p.at < sa.bindparam("until"),
    )
    .order_by(_p.at.desc())
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
OLD = statement(
    sa.delete(PointRow.sql_table).where(
        _p.metric_id == sa.bindparam("metric"),
        _p.granularity == sa.bindparam("granularity"),
        _p.at < sa.bindparam("before"),
    )
)
COUNT = statement(sa.select(sa.func.count()).select_from(MetricRow.sql_table))
