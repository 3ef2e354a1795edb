"""Queries of snapshots."""

import sqlalchemy as sa

from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.core.db.listing import Listing, contains_folded, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_t, _c = SnapshotRow.sql_table, columns(SnapshotRow)

SNAPSHOTS = Listing(
    SnapshotRow,
    filters={
        "project_id": equals(_c.project_id),
        "id": equals(_c.id),
        "name": equals(_c.name),
        "name_part": contains_folded(_c.name),
        "status": equals(_c.status),
        "volume_id": equals(_c.volume_id),
        "user_id": equals(_c.user_id),
        "size": equals(_c.size),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "name": _c.name,
        "size": _c.size,
        "status": _c.status,
    },
)
BY_IDS = query(SnapshotRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
OF_VOLUME = query(SnapshotRow, sa.select(_t).where(_c.volume_id == sa.bindparam("volume_id")))
BEING_MADE = statement(
    sa.select(sa.func.count()).where(
        _c.volume_id == sa.bindparam("volume_id"),
        _c.observed_size == 0,
        _c.wanted == "present",
        _c.fault.is_(None),
    )
)
