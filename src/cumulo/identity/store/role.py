"""Queries of roles and assignments."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.role import AssignmentRow, ImpliedRoleRow, RoleRow

_r, _a = columns(RoleRow), columns(AssignmentRow)

ALL_ROLES = query(RoleRow, sa.select(RoleRow.sql_table))
ALL_IMPLIED = query(ImpliedRoleRow, sa.select(ImpliedRoleRow.sql_table))
ROLES = Listing(
    RoleRow,
    filters={"name": equals(_r.name), "domain_id": equals(_r.domain_id)},
    sort_keys={"name": _r.name},
    default_sort=(("name", "asc"),),
)
ASSIGNMENTS = Listing(
    AssignmentRow,
    filters={
        "user_id": equals(_a.user_id),
        "role_id": equals(_a.role_id),
        "target_type": equals(_a.target_type),
        "target_id": equals(_a.target_id),
    },
    sort_keys={"user_id": _a.user_id},
    default_sort=(("user_id", "asc"),),
)
OF_USER = query(
    AssignmentRow,
    sa.select(AssignmentRow.sql_table).where(_a.user_id == sa.bindparam("user_id")),
)
OF_USER_ON = query(
    AssignmentRow,
    sa.select(AssignmentRow.sql_table).where(
        _a.user_id == sa.bindparam("user_id"),
        _a.target_type == sa.bindparam("target_type"),
        _a.target_id == sa.bindparam("target_id"),
    ),
)
DROP_TARGET = statement(
    sa.delete(AssignmentRow.sql_table).where(
        _a.target_type == sa.bindparam("target_type_"), _a.target_id == sa.bindparam("target_id_")
    )
)
