"""Queries of snapshots."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.orchestration.model.snapshot import SnapshotRow

_c = columns(SnapshotRow)

OF_STACK = query(
    SnapshotRow,
    sa.select(SnapshotRow.sql_table)
    .where(_c.stack_id == sa.bindparam("stack"))
    .order_by(_c.created_at, _c.id),
)
