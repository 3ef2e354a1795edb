"""Queries of reverse names."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.reverse import ReverseRow

_c = columns(ReverseRow)
_r = columns(RecordsetRow)
MANY = query(
    ReverseRow,
    sa.select(ReverseRow.sql_table).where(
        _c.floatingip_id.in_(sa.bindparam("ids", expanding=True))
    ),
)
OF_RECORDSET = query(
    ReverseRow,
    sa.select(ReverseRow.sql_table).where(_c.recordset_id == sa.bindparam("recordset_id")),
)
RECORDSETS = query(
    RecordsetRow,
    sa.select(RecordsetRow.sql_table).where(_r.id.in_(sa.bindparam("ids", expanding=True))),
)
