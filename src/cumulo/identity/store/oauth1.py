"""Queries of consumers and their tokens."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.oauth1 import AccessTokenRow, ConsumerRow, RequestTokenRow

_c, _r, _a = columns(ConsumerRow), columns(RequestTokenRow), columns(AccessTokenRow)

CONSUMERS = Listing(
    ConsumerRow,
    filters={"description": equals(_c.description)},
    sort_keys={"created_at": _c.created_at},
    default_sort=(("created_at", "asc"),),
)
ACCESS_TOKENS = Listing(
    AccessTokenRow,
    filters={"user_id": equals(_a.user_id)},
    sort_keys={"expires_at": _a.expires_at},
    default_sort=(("expires_at", "asc"),),
)
ALL_REQUEST_TOKENS = query(RequestTokenRow, sa.select(RequestTokenRow.sql_table))
FORGET_EXPIRED = statement(
    sa.delete(RequestTokenRow.sql_table).where(_r.expires_at < sa.bindparam("before"))
)
