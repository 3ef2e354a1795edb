"""Queries of groups and their members."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.group import GroupRow, MembershipRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries.expiry import ended

_c, _m, _u = columns(GroupRow), columns(MembershipRow), columns(UserRow)

GROUPS = Listing(
    GroupRow,
    filters={"name": equals(_c.name), "domain_id": equals(_c.domain_id), "ids": one_of(_c.id)},
    sort_keys={"name": _c.name},
    default_sort=(("name", "asc"),),
)
OF_USER = query(
    GroupRow,
    sa.select(GroupRow.sql_table)
    .join(MembershipRow.sql_table, _m.group_id == _c.id)
    .where(_m.user_id == sa.bindparam("user_id"))
    .order_by(_c.name, _c.id),
)
USERS_OF = query(
    UserRow,
    sa.select(UserRow.sql_table)
    .join(MembershipRow.sql_table, _m.user_id == _u.id)
    .where(_m.group_id == sa.bindparam("group_id"))
    .order_by(_u.name, _u.id),
)
MEMBERS_OF_MANY = statement(
    sa.select(_m.group_id, _m.user_id).where(
        _m.group_id.in_(sa.bindparam("group_ids", expanding=True))
    )
)
SOME_MEMBERS_OF_MANY = statement(
    sa.select(_m.group_id, _m.user_id)
    .where(_m.group_id.in_(sa.bindparam("group_ids", expanding=True)))
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
MEMBER_IDS = statement(
    sa.select(_m.user_id)
    .where(_m.group_id == sa.bindparam("group_id"), _m.user_id > sa.bindparam("after"))
    .order_by(_m.user_id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
GROUP_IDS_OF = statement(sa.select(_m.group_id).where(_m.user_id == sa.bindparam("user_id")))
MEMBERSHIPS_OF = query(
    MembershipRow,
    sa.select(MembershipRow.sql_table).where(_m.user_id == sa.bindparam("user_id")),
)
EXPIRED = ended(MembershipRow, "expires")
