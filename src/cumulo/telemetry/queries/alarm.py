"""Queries of alarms."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.telemetry.model.alarm import AlarmChangeRow, AlarmMetricRow, AlarmRow, CallRow

_c, _h, _k = columns(AlarmRow), columns(AlarmChangeRow), columns(CallRow)
_w = columns(AlarmMetricRow)

ALARMS = Listing(
    AlarmRow,
    filters={
        "project_id": equals(_c.project_id),
        "user_id": equals(_c.user_id),
        "name": equals(_c.name),
        "type": equals(_c.type),
        "state": equals(_c.state),
        "enabled": equals(_c.enabled),
        "severity": equals(_c.severity),
    },
    sort_keys={
        "id": _c.id,
        "name": _c.name,
        "type": _c.type,
        "state": _c.state,
        "severity": _c.severity,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
    },
)
CHANGES = Listing(
    AlarmChangeRow,
    filters={"alarm_id": equals(_h.alarm_id)},
    sort_keys={"at": _h.at, "id": _h.id},
    default_sort=(("at", "desc"),),
)
DUE = statement(
    sa.select(_c.id)
    .where(_c.enabled == sa.true(), _c.due <= sa.bindparam("now"))
    .order_by(_c.due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
SOON = statement(
    sa.update(AlarmRow.sql_table)
    .where(
        _c.id.in_(
            sa.select(_w.alarm_id).where(_w.metric_id.in_(sa.bindparam("metrics", expanding=True)))
        ),
        _c.enabled == sa.true(),
        _c.due > sa.bindparam("now"),
    )
    .values(due=sa.bindparam("now"))
)
WATCHED = statement(sa.select(_w.metric_id).where(_w.alarm_id == sa.bindparam("alarm")))
UNWATCH = statement(sa.delete(AlarmMetricRow.sql_table).where(_w.alarm_id == sa.bindparam("alarm")))
OLD_CHANGES = statement(
    sa.delete(AlarmChangeRow.sql_table).where(
        _h.alarm_id == sa.bindparam("alarm"),
        _h.at
        < sa.select(_h.at)
        .where(_h.alarm_id == sa.bindparam("of"))
        .order_by(_h.at.desc())
        .limit(1)
        .offset(sa.bindparam("kept", type_=sa.Integer()))
        .scalar_subquery(),
    )
)
WAITING_CALLS = query(
    CallRow,
    sa.select(CallRow.sql_table)
    .where(_k.alarm_id == sa.bindparam("alarm"))
    .order_by(_k.due, _k.id),
)
CALLS = statement(
    sa.select(_k.id)
    .where(_k.due <= sa.bindparam("now"))
    .order_by(_k.due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
COUNT = statement(sa.select(sa.func.count()).select_from(AlarmRow.sql_table))
OF_PROJECT = statement(sa.select(sa.func.count()).where(_c.project_id == sa.bindparam("project")))
CALL = query(CallRow, sa.select(CallRow.sql_table).where(_k.id == sa.bindparam("id")))
