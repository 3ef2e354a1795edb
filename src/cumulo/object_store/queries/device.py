"""Queries of devices, and of what is known of blobs."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.object_store.model.device import DeviceRow
from cumulo.object_store.model.object import ObjectRow, PartRow
from cumulo.object_store.model.version import VersionRow

_d, _o, _p, _v = columns(DeviceRow), columns(ObjectRow), columns(PartRow), columns(VersionRow)

ALL = query(DeviceRow, sa.select(DeviceRow.sql_table).order_by(_d.name))

_blobs: Any = sa.bindparam("blobs", expanding=True)
SUMS = statement(
    sa.union_all(
        sa.select(_o.blob, _o.kind, _o.size, _o.etag, _o.extra).where(_o.blob.in_(_blobs)),
        sa.select(_v.blob, _v.kind, _v.size, _v.etag, _v.extra).where(_v.blob.in_(_blobs)),
        sa.select(_p.blob, sa.literal("plain"), _p.size, _p.etag, sa.literal("{}")).where(
            _p.blob.in_(_blobs)
        ),
    )
)
"""(blob, kind, size, ETag, extra as JSON) of all rows that have these blobs."""
