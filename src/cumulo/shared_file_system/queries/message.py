"""Queries of messages."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, at_least, at_most, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.shared_file_system.model.message import MessageRow

_t, _c = MessageRow.sql_table, columns(MessageRow)

MESSAGES = Listing(
    MessageRow,
    filters={
        "project_id": equals(_c.project_id),
        "id": equals(_c.id),
        "resource_id": equals(_c.resource_id),
        "resource_type": equals(_c.resource_type),
        "action_id": equals(_c.action_id),
        "detail_id": equals(_c.detail_id),
        "created_since": at_least(_c.created_at),
        "created_before": at_most(_c.created_at),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "project_id": _c.project_id,
        "resource_id": _c.resource_id,
        "resource_type": _c.resource_type,
        "action_id": _c.action_id,
        "detail_id": _c.detail_id,
    },
)
COUNT_OF = statement(
    sa.select(sa.func.count()).where(_c.resource_id == sa.bindparam("resource_id"))
)
OLDEST_OF = statement(
    sa.select(_c.id)
    .where(_c.resource_id == sa.bindparam("resource_id"))
    .order_by(_c.created_at, _c.id)
    .limit(1)
)
EXPIRED = statement(
    sa.select(_c.id).where(_c.expires_at <= sa.bindparam("now")).limit(sa.bindparam("most"))
)
