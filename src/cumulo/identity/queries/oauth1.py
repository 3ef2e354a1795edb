"""Queries of consumers and their tokens."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.oauth1 import AccessTokenRow, ConsumerRow, RequestTokenRow
from cumulo.identity.queries.expiry import ended

_c, _a = columns(ConsumerRow), columns(AccessTokenRow)

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
EXPIRED_REQUEST_TOKENS = ended(RequestTokenRow, "expires_at")
EXPIRED_ACCESS_TOKENS = ended(AccessTokenRow, "expires_at")
