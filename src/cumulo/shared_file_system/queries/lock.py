"""Queries of locks."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, at_least, at_most, contains, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.lock import LockRow

_t, _c = LockRow.sql_table, columns(LockRow)

LOCKS = Listing(
    LockRow,
    filters={
        "project_id": equals(_c.project_id),
        "user_id": equals(_c.user_id),
        "id": equals(_c.id),
        "resource_id": equals(_c.resource_id),
        "resource_type": equals(_c.resource_type),
        "resource_action": equals(_c.resource_action),
        "lock_context": equals(_c.lock_context),
        "lock_reason": equals(_c.lock_reason),
        "lock_reason_like": contains(_c.lock_reason),
        "created_since": at_least(_c.created_at),
        "created_before": at_most(_c.created_at),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
        "resource_id": _c.resource_id,
        "resource_type": _c.resource_type,
        "resource_action": _c.resource_action,
        "lock_reason": _c.lock_reason,
    },
)
OF = query(
    LockRow,
    sa.select(_t)
    .where(_c.resource_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(_c.created_at, _c.id),
)
COUNT_OF = statement(sa.select(sa.func.count()).where(_c.resource_id == sa.bindparam("id")))
FORGET = statement(sa.delete(_t).where(_c.resource_id.in_(sa.bindparam("ids", expanding=True))))
