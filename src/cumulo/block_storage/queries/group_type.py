"""Queries of group types."""

import sqlalchemy as sa

from cumulo.block_storage.model.group_type import GroupTypeRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query

_t, _c = GroupTypeRow.sql_table, columns(GroupTypeRow)

GROUP_TYPES = Listing(
    GroupTypeRow,
    filters={"is_public": equals(_c.is_public), "name": equals(_c.name)},
    sort_keys={"name": _c.name, "created_at": _c.created_at, "id": _c.id},
)
BY_NAME = query(GroupTypeRow, sa.select(_t).where(_c.name == sa.bindparam("name")))
