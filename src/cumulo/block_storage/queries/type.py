"""Queries of volume types."""

import sqlalchemy as sa

from cumulo.block_storage.model.type import TypeRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query

_t, _c = TypeRow.sql_table, columns(TypeRow)

TYPES = Listing(
    TypeRow,
    filters={"is_public": equals(_c.is_public), "name": equals(_c.name)},
    sort_keys={"name": _c.name, "created_at": _c.created_at, "id": _c.id},
)
BY_NAME = query(TypeRow, sa.select(_t).where(_c.name == sa.bindparam("name")))
BY_IDS = query(TypeRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
