"""Queries of volume types."""

import sqlalchemy as sa

from cumulo.block_storage.model.type import DefaultTypeRow, TypeAccessRow, TypeRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query

_t, _c, _a = TypeRow.sql_table, columns(TypeRow), columns(TypeAccessRow)
_d = columns(DefaultTypeRow)

TYPES = Listing(
    TypeRow,
    filters={
        "is_public": equals(_c.is_public),
        "name": equals(_c.name),
        "for_project": lambda name: sa.or_(
            _c.is_public,
            _c.id.in_(sa.select(_a.type_id).where(_a.project_id == sa.bindparam(name))),
        ),
    },
    sort_keys={"name": _c.name, "created_at": _c.created_at, "id": _c.id},
)
BY_NAME = query(TypeRow, sa.select(_t).where(_c.name == sa.bindparam("name")))
BY_IDS = query(TypeRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
OF_QOS = query(TypeRow, sa.select(_t).where(_c.qos_id == sa.bindparam("qos")).order_by(_c.name))
ACCESS = query(
    TypeAccessRow,
    sa.select(TypeAccessRow.sql_table)
    .where(_a.type_id == sa.bindparam("type"))
    .order_by(_a.project_id),
)
DEFAULTS = Listing(
    DefaultTypeRow,
    filters={"project_id": equals(_d.project_id), "type_id": equals(_d.type_id)},
    sort_keys={"created_at": _d.created_at, "project_id": _d.project_id},
    default_sort=(("project_id", "asc"),),
)
