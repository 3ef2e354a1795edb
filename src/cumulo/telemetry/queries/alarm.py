"""Queries of alarms."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.telemetry.model.alarm import AlarmChangeRow, AlarmMetricRow, AlarmRow, CallRow, QuotaRow

_c, _h, _k = columns(AlarmRow), columns(AlarmChangeRow), columns(CallRow)
_w, _q = columns(AlarmMetricRow), columns(QuotaRow)

ALARMS = Listing(
    AlarmRow,
    filters={
        "id": equals(_c.id),
        "project_id": equals(_c.project_id),
        "user_id": equals(_c.user_id),
        "name": equals(_c.name),
        "type": equals(_c.type),
        "state": equals(_c.state),
        "enabled": equals(_c.enabled),
        "severity": equals(_c.severity),
        "description": equals(_c.description),
        "repeat_actions": equals(_c.repeat_actions),
    },
    sort_keys={
        "id": _c.id,
        "name": _c.name,
        "type": _c.type,
        "state": _c.state,
        "severity": _c.severity,
        "enabled": _c.enabled,
        "user_id": _c.user_id,
        "project_id": _c.project_id,
        "description": _c.description,
        "repeat_actions": _c.repeat_actions,
        "state_timestamp": _c.state_timestamp,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
    },
)
CHANGES = Listing(
    AlarmChangeRow,
    filters={"alarm_id": equals(_h.alarm_id), "project_id": equals(_h.project_id)},
    sort_keys={
        "at": _h.at,
        "id": _h.id,
        "type": _h.type,
        "alarm_id": _h.alarm_id,
        "severity": _h.severity,
        "user_id": _h.user_id,
        "project_id": _h.project_id,
    },
    default_sort=(("at", "desc"),),
)
DUE = statement(
    sa.select(_c.id)
    .where(_c.enabled == sa.true(), _c.due <= sa.bindparam("now"))
    .order_by(_c.due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
WATCHING = statement(
    sa.select(_w.alarm_id)
    .where(_w.metric_id.in_(sa.bindparam("metrics", expanding=True)))
    .distinct()
)
ALL_SOON = statement(
    sa.update(AlarmRow.sql_table)
    .where(_c.enabled == sa.true(), _c.due > sa.bindparam("now"), _c.due < sa.bindparam("never"))
    .values(due=sa.bindparam("now"))
)
SOON = statement(
    sa.update(AlarmRow.sql_table)
    .where(
        _c.id.in_(sa.bindparam("ids", expanding=True)),
        _c.enabled == sa.true(),
        _c.due > sa.bindparam("now"),
        _c.due < sa.bindparam("never"),
    )
    .values(due=sa.bindparam("now"))
)
WATCHED = statement(sa.select(_w.metric_id).where(_w.alarm_id == sa.bindparam("alarm")))
COUNT_WATCHED = statement(sa.select(sa.func.count()).where(_w.alarm_id == sa.bindparam("alarm")))
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
OLD_CHANGES_OF_PROJECT = statement(
    sa.delete(AlarmChangeRow.sql_table).where(
        _h.project_id == sa.bindparam("project"),
        _h.at
        < sa.select(_h.at)
        .where(_h.project_id == sa.bindparam("of"))
        .order_by(_h.at.desc())
        .limit(1)
        .offset(sa.bindparam("kept", type_=sa.Integer()))
        .scalar_subquery(),
    )
)
SEARCH_AGAIN = statement(
    sa.update(AlarmRow.sql_table)
    .where(
        _c.type.in_(("gnocchi_aggregation_by_resources_threshold", "composite")),
        _c.project_id == sa.bindparam("project"),
        _c.searches == sa.true(),
        _c.enabled == sa.true(),
    )
    .values(due=sa.bindparam("now"), found_at="")
)
WAITING_FOR_EVENTS = statement(
    sa.select(sa.func.count()).where(_c.type == "event", _c.project_id == sa.bindparam("project"))
)
SEARCHING = statement(
    sa.select(sa.func.count()).where(
        _c.type.in_(("gnocchi_aggregation_by_resources_threshold", "composite")),
        _c.project_id == sa.bindparam("project"),
        _c.searches == sa.true(),
    )
)
OF_EVENTS = query(
    AlarmRow,
    sa.select(AlarmRow.sql_table)
    .where(
        _c.type == "event",
        _c.project_id.in_(sa.bindparam("projects", expanding=True)),
        _c.enabled == sa.true(),
    )
    .order_by(_c.id),
)
QUOTAS = query(QuotaRow, sa.select(QuotaRow.sql_table).order_by(_q.project_id))
WAITING_CALLS = query(
    CallRow,
    sa.select(CallRow.sql_table)
    .where(_k.alarm_id == sa.bindparam("alarm"))
    .order_by(_k.due, _k.id),
)
CALLS = statement(
    sa.select(_k.id, _k.project_id)
    .where(
        _k.due <= sa.bindparam("now"),
        _k.project_id.not_in(sa.bindparam("but", expanding=True)),
    )
    .order_by(_k.due, _k.id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
CLAIM = statement(
    sa.update(CallRow.sql_table)
    .where(_k.id == sa.bindparam("call"), _k.due == sa.bindparam("was"))
    .values(due=sa.bindparam("until"))
)
COUNT = statement(sa.select(sa.func.count()).select_from(AlarmRow.sql_table))
OF_PROJECT = statement(sa.select(sa.func.count()).where(_c.project_id == sa.bindparam("project")))
CALL = query(CallRow, sa.select(CallRow.sql_table).where(_k.id == sa.bindparam("id")))
