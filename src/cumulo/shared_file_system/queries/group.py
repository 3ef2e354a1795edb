"""Queries of share group types."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.shared_file_system.model.group import GroupTypeProjectRow, GroupTypeRow

_t, _c, _p = GroupTypeRow.sql_table, columns(GroupTypeRow), columns(GroupTypeProjectRow)

GROUP_TYPES = Listing(
    GroupTypeRow,
    filters={
        "is_public": equals(_c.is_public),
        "seen_by": lambda name: sa.or_(
            _c.is_public,
            _c.id.in_(sa.select(_p.type_id).where(_p.project_id == sa.bindparam(name))),
        ),
    },
    sort_keys={"id": _c.id, "name": _c.name, "created_at": _c.created_at},
)
BY_NAME = query(GroupTypeRow, sa.select(_t).where(_c.name == sa.bindparam("name")))
PROJECTS = query(
    GroupTypeProjectRow,
    sa.select(GroupTypeProjectRow.sql_table)
    .where(_p.type_id == sa.bindparam("type_id"))
    .order_by(_p.project_id)
    .limit(1000),
)
