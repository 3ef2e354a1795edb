"""Queries of directories, and of the users and groups that come from them."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.directory import DirectoryRow
from cumulo.identity.model.group import GroupRow
from cumulo.identity.model.user import UserRow

_d, _u, _g = columns(DirectoryRow), columns(UserRow), columns(GroupRow)

DUE = query(
    DirectoryRow,
    sa.select(DirectoryRow.sql_table)
    .where(_d.due_at <= sa.bindparam("now"))
    .order_by(_d.due_at)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
UNSETTLED = statement(
    sa.select(_d.domain_id).where(
        _d.wanted.is_(True), _d.synced_generation != _d.generation, _d.fault.is_(None)
    )
)
# By name: there is an index of the names of a domain.
USERS = query(
    UserRow,
    sa.select(UserRow.sql_table)
    .where(
        _u.domain_id == sa.bindparam("domain_id"),
        _u.origin.is_not(None),
        _u.name > sa.bindparam("after"),
    )
    .order_by(_u.name)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
GROUPS = query(
    GroupRow,
    sa.select(GroupRow.sql_table)
    .where(
        _g.domain_id == sa.bindparam("domain_id"),
        _g.origin.is_not(None),
        _g.name > sa.bindparam("after"),
    )
    .order_by(_g.name)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
