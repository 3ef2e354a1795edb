"""Queries of tasks."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.image.model.task import TaskRow

_t, _c = TaskRow.sql_table, columns(TaskRow)

TASKS = Listing(
    TaskRow,
    filters={"type": equals(_c.type), "status": equals(_c.status), "owner": equals(_c.owner)},
    sort_keys={
        name: _c[name]
        for name in ("id", "type", "status", "created_at", "updated_at", "expires_at")
    },
)
OF_IMAGE = query(
    TaskRow,
    sa.select(_t)
    .where(_c.image_id == sa.bindparam("image_id"))
    .order_by(_c.created_at.desc(), _c.id),
)
BEGUN = statement(
    sa.update(_t)
    .where(_c.id == sa.bindparam("task"), _c.status == "pending")
    .values(status="processing", updated_at=sa.bindparam("now"))
)
FORGET = statement(
    sa.delete(_t).where(_c.expires_at.is_not(None), _c.expires_at <= sa.bindparam("now"))
)
EXPIRED = statement(
    sa.select(sa.func.count()).where(
        _c.expires_at.is_not(None), _c.expires_at <= sa.bindparam("now")
    )
)
