"""Queries of snapshots."""

import sqlalchemy as sa

from cumulo.core.db.listing import stand_in
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.orchestration.model.snapshot import SnapshotRow
from cumulo.orchestration.model.stack import StackRow

_c, _s = columns(SnapshotRow), columns(StackRow)

LEFT = statement(
    sa.select(_c.stack_id)
    .join(StackRow.sql_table, _s.id == _c.stack_id)
    .where(_s.deleted_at.is_not(None))
    .distinct()
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
"""Stacks that are gone, but for what was saved of them."""
HEADS = query(
    SnapshotRow,
    sa.select(
        *(
            stand_in(each, "{}") if each.name == "data" else each
            for each in SnapshotRow.sql_table.columns
        )
    )
    .where(_c.stack_id == sa.bindparam("stack"))
    .order_by(_c.created_at, _c.id),
)
"""Without what is in them."""
OF_STACK = query(
    SnapshotRow,
    sa.select(SnapshotRow.sql_table)
    .where(_c.stack_id == sa.bindparam("stack"))
    .order_by(_c.created_at, _c.id),
)
