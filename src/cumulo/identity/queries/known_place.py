"""Queries of known places."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.known_place import KnownPlaceRow
from cumulo.identity.queries.expiry import ended

_c = columns(KnownPlaceRow)

OLD = ended(KnownPlaceRow, "last")
TOO_MANY = query(
    KnownPlaceRow,
    sa.select(KnownPlaceRow.sql_table)
    .order_by(_c.last.desc())
    .limit(sa.bindparam("most", type_=sa.Integer()))
    .offset(sa.bindparam("kept", type_=sa.Integer())),
)
