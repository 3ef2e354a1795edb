"""Queries of signals."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.orchestration.model.signal import SignalRow

_t, _c = SignalRow.sql_table, columns(SignalRow)

OF_RESOURCE = query(
    SignalRow,
    sa.select(_t).where(_c.resource_id == sa.bindparam("resource")).order_by(_c.at, _c.name),
)
COUNT = statement(sa.select(sa.func.count()).where(_c.resource_id == sa.bindparam("resource")))
FORGET_FAILED = statement(
    sa.delete(_t).where(_c.resource_id == sa.bindparam("resource"), _c.status != "SUCCESS")
)
