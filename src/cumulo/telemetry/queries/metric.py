"""Queries of metrics, resources and what they are kept by."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, absent, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.telemetry.model.metric import (
    ArchivePolicyRow,
    ArchivePolicyRuleRow,
    MetricRow,
    ResourceRow,
    ResourceTypeRow,
    RevisionRow,
)
from cumulo.telemetry.model.points import GoneRow

_m, _r, _v = columns(MetricRow), columns(ResourceRow), columns(RevisionRow)
_a, _u, _t = columns(ArchivePolicyRow), columns(ArchivePolicyRuleRow), columns(ResourceTypeRow)

POLICIES = query(ArchivePolicyRow, sa.select(ArchivePolicyRow.sql_table).order_by(_a.name))
POLICY_USED = statement(sa.select(sa.func.count()).where(_m.archive_policy == sa.bindparam("name")))
POLICY_RULED = statement(
    sa.select(sa.func.count()).where(_u.archive_policy == sa.bindparam("name"))
)
RULES = query(ArchivePolicyRuleRow, sa.select(ArchivePolicyRuleRow.sql_table).order_by(_u.name))
TYPES = query(ResourceTypeRow, sa.select(ResourceTypeRow.sql_table).order_by(_t.name))
TYPE_USED = statement(sa.select(_r.id).where(_r.type == sa.bindparam("name")).limit(1))

METRICS = Listing(
    MetricRow,
    filters={
        "id": one_of(_m.id),
        "name": one_of(_m.name),
        "unit": one_of(_m.unit),
        "project_id": equals(_m.project_id),
        "resource_id": one_of(_m.resource_id),
        "archive_policy_name": one_of(_m.archive_policy),
        "creator": equals(_m.creator),
    },
    sort_keys={
        "id": _m.id,
        "name": _m.name,
        "unit": _m.unit,
        "creator": _m.creator,
        "resource_id": _m.resource_id,
        "archive_policy_name": _m.archive_policy,
        "project_id": _m.project_id,
        "created_at": _m.created_at,
    },
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
NAMED_OF_RESOURCES = query(
    MetricRow,
    sa.select(MetricRow.sql_table).where(
        _m.resource_id.in_(sa.bindparam("resources", expanding=True)),
        _m.name.in_(sa.bindparam("names", expanding=True)),
    ),
)
BY_IDS = query(
    MetricRow,
    sa.select(MetricRow.sql_table).where(_m.id.in_(sa.bindparam("ids", expanding=True))),
)
RESOURCES_BY_IDS = query(
    ResourceRow,
    sa.select(ResourceRow.sql_table).where(_r.id.in_(sa.bindparam("ids", expanding=True))),
)
ORIGINALS = query(
    ResourceRow,
    sa.select(ResourceRow.sql_table)
    .where(
        _r.original_id.in_(sa.bindparam("originals", expanding=True)),
        _r.project_id == sa.bindparam("project"),
    )
    .order_by(_r.id.desc()),
)
PARTS = query(
    ResourceRow,
    sa.select(ResourceRow.sql_table)
    .where(_r.parent == sa.bindparam("parent"), _r.ended_at.is_(None))
    .order_by(_r.id),
)
OF_PROJECT = statement(
    sa.select(_m.archive_policy, sa.func.count())
    .where(_m.project_id == sa.bindparam("project"), _m.creator != sa.bindparam("system"))
    .group_by(_m.archive_policy)
)
"""Of those that it has made itself."""
RESOURCES_OF_CREATOR = statement(
    sa.select(sa.func.count()).where(
        _r.project_id == sa.bindparam("project"), _r.creator != sa.bindparam("system")
    )
)
RESOURCES = Listing(
    ResourceRow,
    filters={
        "id": equals(_r.id),
        "ids": one_of(_r.id),
        "original_resource_id": equals(_r.original_id),
        "type": equals(_r.type),
        "project_id": equals(_r.project_id),
        "user_id": equals(_r.user_id),
        "server_group": equals(_r.server_group),
        "there": absent(_r.ended_at),
        "there_since": lambda name: sa.or_(
            _r.ended_at.is_(None), _r.ended_at >= sa.bindparam(name)
        ),
    },
    sort_keys={
        "id": _r.id,
        "original_resource_id": _r.original_id,
        "creator": _r.creator,
        "type": _r.type,
        "started_at": _r.started_at,
        "ended_at": _r.ended_at,
        "revision_start": _r.revision_start,
        "project_id": _r.project_id,
        "user_id": _r.user_id,
    },
    default_sort=(("revision_start", "asc"), ("started_at", "asc")),
)
REVISIONS = query(
    RevisionRow,
    sa.select(RevisionRow.sql_table)
    .where(_v.resource_id.in_(sa.bindparam("resources", expanding=True)))
    .order_by(_v.resource_id, _v.revision_start, _v.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
OLD_REVISIONS = statement(
    sa.delete(RevisionRow.sql_table).where(
        _v.resource_id == sa.bindparam("resource"),
        _v.id
        <= sa.select(_v.id)
        .where(_v.resource_id == sa.bindparam("of"))
        .order_by(_v.id.desc())
        .limit(1)
        .offset(sa.bindparam("kept", type_=sa.Integer()))
        .scalar_subquery(),
    )
)
ENDED = statement(
    sa.select(_r.id)
    .where(_r.ended_at < sa.bindparam("before"))
    .order_by(_r.ended_at)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
GIVE = statement(
    sa.update(MetricRow.sql_table)
    .where(_m.resource_id == sa.bindparam("resource"), _m.creator == sa.bindparam("system"))
    .values(project_id=sa.bindparam("new_project"))
)
FORGET = statement(
    sa.insert(GoneRow.sql_table).from_select(
        ["metric_id"], sa.select(_m.id).where(_m.resource_id == sa.bindparam("resource"))
    )
)
REMOVE_METRICS = statement(
    sa.delete(MetricRow.sql_table).where(_m.resource_id == sa.bindparam("resource"))
)
COUNT = statement(sa.select(sa.func.count()).select_from(MetricRow.sql_table))
