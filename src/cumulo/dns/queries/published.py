"""Queries of the names that network has given."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.dns.model.published import PublishedRow

_c = columns(PublishedRow)
MOST = 100
"""Addresses in one answer; ports beyond that have the name in vain."""
OF_HOLDER = query(
    PublishedRow,
    sa.select(PublishedRow.sql_table)
    .where(_c.holder == sa.bindparam("holder"))
    .order_by(_c.name, _c.address),
)
OF_NAME = query(
    PublishedRow,
    sa.select(PublishedRow.sql_table)
    .where(
        _c.zone_id == sa.bindparam("zone_id"),
        _c.name == sa.bindparam("name"),
        _c.type == sa.bindparam("type"),
    )
    .order_by(_c.address, _c.holder)
    .limit(MOST),
)
DROP = statement(
    sa.delete(PublishedRow.sql_table).where(
        _c.zone_id == sa.bindparam("zone_id"),
        _c.name == sa.bindparam("name"),
        _c.type == sa.bindparam("type"),
    )
)
