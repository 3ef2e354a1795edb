"""Queries of QoS types."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, contains, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.shared_file_system.model.qos import QosTypeRow

_t, _c = QosTypeRow.sql_table, columns(QosTypeRow)

QOS_TYPES = Listing(
    QosTypeRow,
    filters={
        "id": equals(_c.id),
        "name": equals(_c.name),
        "name_like": contains(_c.name),
        "description": equals(_c.description),
        "description_like": contains(_c.description),
    },
    sort_keys={
        "id": _c.id,
        "name": _c.name,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
    },
)
BY_NAME = query(QosTypeRow, sa.select(_t).where(_c.name == sa.bindparam("name")))
