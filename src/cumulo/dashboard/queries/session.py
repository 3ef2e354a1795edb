"""Queries of sessions."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.dashboard.model.session import SessionRow

_t, _c = SessionRow.sql_table, columns(SessionRow)

ENDED = statement(
    sa.select(_c.id)
    .where(_c.ends_at <= sa.bindparam("now"))
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
OF_USER = statement(sa.delete(_t).where(_c.user_id == sa.bindparam("user")))
SEEN = statement(
    sa.update(_t).where(_c.id == sa.bindparam("id")).values(seen_at=sa.bindparam("now"))
)
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
