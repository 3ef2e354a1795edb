"""Queries of key pairs."""

import sqlalchemy as sa

from cumulo.compute.model.keypair import KeyPairRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_c = columns(KeyPairRow)

KEY_PAIRS = Listing(
    KeyPairRow,
    filters={"user_id": equals(_c.user_id)},
    sort_keys={"name": _c.name},
    default_sort=(("name", "asc"),),
)
NAMED = query(
    KeyPairRow,
    sa.select(KeyPairRow.sql_table).where(
        _c.user_id == sa.bindparam("user"), _c.name == sa.bindparam("name")
    ),
)
COUNT = statement(sa.select(sa.func.count()).where(_c.user_id == sa.bindparam("user")))
