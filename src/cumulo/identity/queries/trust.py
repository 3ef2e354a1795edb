"""Queries of trusts."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.identity.model.trust import TrustRow
from cumulo.identity.queries.expiry import ended

_c = columns(TrustRow)

TRUSTS = Listing(
    TrustRow,
    filters={
        "trustor_user_id": equals(_c.trustor_user_id),
        "trustee_user_id": equals(_c.trustee_user_id),
    },
    sort_keys={"created_at": _c.created_at},
    default_sort=(("created_at", "asc"),),
)
EXPIRED = ended(TrustRow, "expires_at")
USE = statement(
    sa.update(TrustRow.sql_table)
    .where(_c.id == sa.bindparam("trust_id"), _c.remaining_uses > 0)
    .values(remaining_uses=_c.remaining_uses - 1)
)
