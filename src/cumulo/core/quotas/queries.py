"""Queries of usages and limits."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.quotas.model import LimitRow, UsageRow

_u, _l = columns(UsageRow), columns(LimitRow)


def _this(c: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        c.project_id == sa.bindparam("p"),
        c.service == sa.bindparam("s"),
        c.resource == sa.bindparam("r"),
    )


USED = query(
    UsageRow,
    sa.select(UsageRow.sql_table).where(
        _u.project_id == sa.bindparam("p"), _u.service == sa.bindparam("s")
    ),
)
LIMITS = query(
    LimitRow,
    sa.select(LimitRow.sql_table).where(
        _l.project_id == sa.bindparam("p"), _l.service == sa.bindparam("s")
    ),
)
USED_OF = statement(sa.select(_u.used).where(_this(_u)))
TAKE = statement(
    sa.update(UsageRow.sql_table)
    .where(_this(_u), _u.used + sa.bindparam("n") <= sa.bindparam("most"))
    .values(used=_u.used + sa.bindparam("n"))
)
GIVE = statement(
    sa.update(UsageRow.sql_table).where(_this(_u)).values(used=_u.used - sa.bindparam("n"))
)
DROP_LIMITS = statement(
    sa.delete(LimitRow.sql_table).where(
        _l.project_id == sa.bindparam("p"), _l.service == sa.bindparam("s")
    )
)
SET = statement(sa.update(LimitRow.sql_table).where(_this(_l)).values(value=sa.bindparam("value")))
PROJECTS = statement(
    sa.select(_l.project_id)
    .distinct()
    .where(_l.service == sa.bindparam("s"))
    .order_by(_l.project_id)
)
