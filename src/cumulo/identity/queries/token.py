"""Queries of revocations."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, at_least
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.token import RevocationRow
from cumulo.identity.queries.expiry import ended

_c = columns(RevocationRow)

OF_TOKEN = query(
    RevocationRow,
    sa.select(RevocationRow.sql_table).where(_c.audit_id == sa.bindparam("audit_id")),
)
EXPIRED = ended(RevocationRow, "expires")
REVOCATIONS = Listing(
    RevocationRow,
    filters={"since": at_least(_c.revoked_at)},
    sort_keys={"revoked_at": _c.revoked_at},
    default_sort=(("revoked_at", "asc"),),
)
