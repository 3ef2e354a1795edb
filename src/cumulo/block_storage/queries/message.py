"""Queries of messages."""

import sqlalchemy as sa

from cumulo.block_storage.model.message import MessageRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement

_t, _c = MessageRow.sql_table, columns(MessageRow)

MESSAGES = Listing(
    MessageRow,
    filters={
        "project_id": equals(_c.project_id),
        "id": equals(_c.id),
        "resource_uuid": equals(_c.resource_id),
        "resource_type": equals(_c.resource_type),
        "event_id": equals(_c.event_id),
        "request_id": equals(_c.request_id),
        "message_level": equals(_c.level),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "event_id": _c.event_id,
        "resource_type": _c.resource_type,
        "resource_uuid": _c.resource_id,
        "request_id": _c.request_id,
        "message_level": _c.level,
        "guaranteed_until": _c.expires_at,
    },
)
DROP_OLD = statement(sa.delete(_t).where(_c.expires_at < sa.bindparam("now")))
_newest = (
    sa.select(_c.id)
    .where(_c.project_id == sa.bindparam("project"))
    .order_by(_c.created_at.desc(), _c.id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
DROP_MANY = statement(
    sa.delete(_t).where(_c.project_id == sa.bindparam("project"), _c.id.not_in(_newest))
)
