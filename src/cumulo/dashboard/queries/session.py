"""Queries of sessions."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.dashboard.model.session import SessionRow

_t, _c = SessionRow.sql_table, columns(SessionRow)

ENDED = statement(
    sa.select(_c.id)
    .where((_c.ends_at <= sa.bindparam("now")) | (_c.seen_at <= sa.bindparam("idle")))
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
OLDEST = statement(
    sa.select(_c.id)
    .where(_c.user_id == sa.bindparam("user"))
    .order_by(_c.seen_at.desc(), _c.id)
    .limit(1000)
    .offset(sa.bindparam("kept", type_=sa.Integer()))
)
"""A user's sessions but for the `kept` that were used last."""
OF_USER = statement(sa.delete(_t).where(_c.user_id == sa.bindparam("user")))
SEEN = statement(
    sa.update(_t).where(_c.id == sa.bindparam("id")).values(seen_at=sa.bindparam("now"))
)
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
