"""Queries of container sync."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.object_store.model.sync import SyncedRow, SyncRow

_s, _d = columns(SyncRow), columns(SyncedRow)

AFTER = query(
    SyncRow,
    sa.select(SyncRow.sql_table)
    .where(_s.container_id > sa.bindparam("after"))
    .order_by(_s.container_id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
PAGE = query(
    SyncedRow,
    sa.select(SyncedRow.sql_table)
    .where(_d.container_id == sa.bindparam("container"), _d.name > sa.bindparam("after"))
    .order_by(_d.name)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
FORGET = statement(
    sa.delete(SyncedRow.sql_table).where(_d.container_id == sa.bindparam("container"))
)
