"""Queries of intervals.

A thing is known by its kind and its id: some ids are chosen by those who make the things (an
image's), and one that was named like a server must not end what the server costs.
"""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.telemetry.model.interval import IntervalRow

_t, _c = IntervalRow.sql_table, columns(IntervalRow)

LAST = query(
    IntervalRow,
    sa.select(_t)
    .where(_c.resource_id == sa.bindparam("id"), _c.resource_type == sa.bindparam("kind"))
    .order_by(_c.began.desc(), _c.id.desc())
    .limit(1),
)
CLOSE = statement(
    sa.update(_t)
    .where(
        _c.resource_id == sa.bindparam("id"),
        _c.resource_type == sa.bindparam("kind"),
        _c.ended.is_(None),
    )
    .values(ended=sa.bindparam("at"))
)
_within = (
    _c.began < sa.bindparam("until"),
    sa.or_(_c.ended.is_(None), _c.ended > sa.bindparam("since")),
)
OF_PROJECT = query(
    IntervalRow,
    sa.select(_t)
    .where(_c.project_id == sa.bindparam("project"), *_within, _c.id > sa.bindparam("after"))
    .order_by(_c.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
OF_ALL = query(
    IntervalRow,
    sa.select(_t)
    .where(*_within, _c.id > sa.bindparam("after"))
    .order_by(_c.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
COUNT_OPEN = statement(sa.select(sa.func.count()).where(_c.ended.is_(None)))
