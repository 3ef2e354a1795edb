"""Queries of roles and assignments."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.group import MembershipRow
from cumulo.identity.model.role import AssignmentRow, ImpliedRoleRow, RoleRow

_r, _a, _m = columns(RoleRow), columns(AssignmentRow), columns(MembershipRow)
_i = columns(ImpliedRoleRow)

ALL_ROLES = query(RoleRow, sa.select(RoleRow.sql_table))
ALL_IMPLIED = query(ImpliedRoleRow, sa.select(ImpliedRoleRow.sql_table))
ROLES = Listing(
    RoleRow,
    filters={"name": equals(_r.name), "domain_id": equals(_r.domain_id), "ids": one_of(_r.id)},
    sort_keys={"name": _r.name},
    default_sort=(("name", "asc"),),
)
ASSIGNMENTS = Listing(
    AssignmentRow,
    filters={
        "actor_id": equals(_a.actor_id),
        "actor_ids": one_of(_a.actor_id),
        "role_id": equals(_a.role_id),
        "target_type": equals(_a.target_type),
        "target_id": equals(_a.target_id),
        "target_ids": one_of(_a.target_id),
        "inherited": equals(_a.inherited),
    },
    sort_keys={"actor_id": _a.actor_id},
    default_sort=(("actor_id", "asc"),),
)
# Of a user: what was given to itself, to its groups, and to groups that a token names.
_ACTORS = sa.or_(
    _a.actor_id.in_(sa.bindparam("actor_ids", expanding=True)),
    _a.actor_id.in_(sa.select(_m.group_id).where(_m.user_id == sa.bindparam("user_id"))),
)
OF_USER = query(AssignmentRow, sa.select(AssignmentRow.sql_table).where(_ACTORS))
OF_USER_ON = query(
    AssignmentRow,
    sa.select(AssignmentRow.sql_table).where(
        _a.target_id.in_(sa.bindparam("target_ids", expanding=True)), _ACTORS
    ),
)
DROP_TARGET = statement(
    sa.delete(AssignmentRow.sql_table).where(
        _a.target_type == sa.bindparam("target_type_"), _a.target_id == sa.bindparam("target_id_")
    )
)
DROP_ACTOR = statement(
    sa.delete(AssignmentRow.sql_table).where(_a.actor_id == sa.bindparam("actor"))
)
