"""Queries of users."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.user import UserRow

_c = columns(UserRow)

BY_NAME = query(
    UserRow,
    sa.select(UserRow.sql_table).where(
        _c.domain_id == sa.bindparam("domain_id"), _c.name == sa.bindparam("name")
    ),
)
USERS = Listing(
    UserRow,
    filters={
        "name": equals(_c.name),
        "domain_id": equals(_c.domain_id),
        "enabled": equals(_c.enabled),
    },
    sort_keys={"name": _c.name},
    default_sort=(("name", "asc"),),
)
