"""Queries of jobs."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.work.model import JobRow

_t, _c = JobRow.sql_table, columns(JobRow)
_OURS = sa.and_(
    _c.id == sa.bindparam("job"),
    _c.step == sa.bindparam("at_step"),
    _c.epoch == sa.bindparam("lease"),
)

ANY_DUE = statement(sa.select(_c.id).where(_c.due <= sa.bindparam("now")).limit(1))
EARLIEST = statement(sa.select(sa.func.min(_c.due)).where(_c.due > sa.bindparam("now")))
# One project after the other, each with its oldest work: both walk the index on (kind, project,
# due) and stop at the first hit, however much work one project has waiting.
FROM = query(
    JobRow,
    sa.select(_t)
    .where(
        _c.kind == sa.bindparam("kind"),
        _c.project_id >= sa.bindparam("project"),
        _c.due <= sa.bindparam("now"),
    )
    .order_by(_c.project_id, _c.due)
    .limit(1),
)
AFTER = query(
    JobRow,
    sa.select(_t)
    .where(
        _c.kind == sa.bindparam("kind"),
        _c.project_id > sa.bindparam("project"),
        _c.due <= sa.bindparam("now"),
    )
    .order_by(_c.project_id, _c.due)
    .limit(1),
)
OF = query(
    JobRow,
    sa.select(_t).where(_c.subject == sa.bindparam("subject")).order_by(_c.created_at, _c.id),
)
RENEW = statement(
    sa.update(_t)
    .where(_OURS)
    .values(due=sa.bindparam("until"), progress=sa.bindparam("done"))
    .returning(_c.cancel)
)
STILL = query(JobRow, sa.select(_t).where(_OURS))
"""The row, if this lease of it is the newest and it is at this step."""
RELEASE = statement(
    sa.update(_t)
    .where(_OURS)
    .values(due=sa.bindparam("now"), lease_by=sa.null(), attempts=_c.attempts - 1)
)
RELEASE_ALL = statement(
    sa.update(_t)
    .where(_c.lease_by.is_not(None), _c.lease_by != sa.bindparam("me"))
    .values(due=sa.bindparam("now"), lease_by=sa.null())
)
IDS = statement(sa.select(_c.id).order_by(_c.created_at, _c.id).limit(1000))
WAITING = statement(
    sa.select(_c.kind, sa.func.count(), sa.func.min(_c.created_at)).group_by(_c.kind)
)
