"""Queries of users."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.user import OldPasswordRow, UserRow

_c, _o = columns(UserRow), columns(OldPasswordRow)

BY_NAME = query(
    UserRow,
    sa.select(UserRow.sql_table).where(
        _c.domain_id == sa.bindparam("domain_id"), _c.name == sa.bindparam("name")
    ),
)
OLD_PASSWORDS = query(
    OldPasswordRow,
    sa.select(OldPasswordRow.sql_table)
    .where(_o.user_id == sa.bindparam("user_id"))
    .order_by(_o.sequence.desc()),
)
USERS = Listing(
    UserRow,
    filters={
        "id": equals(_c.id),
        "ids": one_of(_c.id),
        "name": equals(_c.name),
        "domain_id": equals(_c.domain_id),
        "enabled": equals(_c.enabled),
        "password_expires_lt": lambda name: _c.password_expires_at < sa.bindparam(name),
        "password_expires_lte": lambda name: _c.password_expires_at <= sa.bindparam(name),
        "password_expires_gt": lambda name: _c.password_expires_at > sa.bindparam(name),
        "password_expires_gte": lambda name: _c.password_expires_at >= sa.bindparam(name),
        "password_expires_eq": lambda name: _c.password_expires_at == sa.bindparam(name),
        "password_expires_neq": lambda name: _c.password_expires_at != sa.bindparam(name),
    },
    sort_keys={"name": _c.name},
    default_sort=(("name", "asc"),),
)
