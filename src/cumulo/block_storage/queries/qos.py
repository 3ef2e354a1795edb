"""Queries of QoS specs."""

import sqlalchemy as sa

from cumulo.block_storage.model.qos import QosRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query

_t, _c = QosRow.sql_table, columns(QosRow)

QOS = Listing(
    QosRow,
    filters={"name": equals(_c.name), "consumer": equals(_c.consumer)},
    sort_keys={"id": _c.id, "created_at": _c.created_at, "name": _c.name},
)
BY_NAME = query(QosRow, sa.select(_t).where(_c.name == sa.bindparam("name")))
