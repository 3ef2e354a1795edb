"""Queries of share types."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.type import TypeProjectRow, TypeRow

_t, _c = TypeRow.sql_table, columns(TypeRow)
_p, _s = columns(TypeProjectRow), columns(ShareRow)

TYPES = Listing(
    TypeRow,
    filters={
        "is_public": equals(_c.is_public),
        "seen_by": lambda name: sa.or_(
            _c.is_public,
            _c.id.in_(sa.select(_p.type_id).where(_p.project_id == sa.bindparam(name))),
        ),
    },
    sort_keys={"name": _c.name, "created_at": _c.created_at, "id": _c.id},
    default_sort=(("created_at", "asc"),),
)
BY_NAME = query(TypeRow, sa.select(_t).where(_c.name == sa.bindparam("name")))
BY_IDS = query(TypeRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
PROJECTS = query(
    TypeProjectRow,
    sa.select(TypeProjectRow.sql_table)
    .where(_p.type_id == sa.bindparam("type_id"))
    .order_by(_p.project_id)
    .limit(1000),
)
MAY_USE = statement(
    sa.select(sa.func.count()).where(
        _p.type_id == sa.bindparam("type_id"), _p.project_id == sa.bindparam("project_id")
    )
)
IN_USE = statement(sa.select(sa.func.count()).where(_s.type_id == sa.bindparam("type_id")))
