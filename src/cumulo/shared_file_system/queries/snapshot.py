"""Queries of snapshots."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, contains, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.queries.share import metadata_filters

_t, _c = SnapshotRow.sql_table, columns(SnapshotRow)

_h = columns(ShareRow)
_USED = sa.select(_h.snapshot_id).where(_h.snapshot_id.is_not(None))

SNAPSHOTS = Listing(
    SnapshotRow,
    filters={
        "project_id": equals(_c.project_id),
        "share_id": equals(_c.share_id),
        "name": equals(_c.name),
        "name_like": contains(_c.name),
        "description": equals(_c.description),
        "description_like": contains(_c.description),
        "status": equals(_c.status),
        "size": equals(_c.size),
        "id": equals(_c.id),
        "used": lambda _: _c.id.in_(_USED),
        "unused": lambda _: _c.id.not_in(_USED),
        **metadata_filters(_c.metadata),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "name": _c.name,
        "size": _c.size,
        "status": _c.status,
        "share_id": _c.share_id,
    },
)
BY_IDS = query(SnapshotRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
COUNT_OF = statement(sa.select(sa.func.count()).where(_c.share_id == sa.bindparam("share_id")))
LATEST_OF = query(
    SnapshotRow,
    sa.select(_t)
    .where(_c.share_id == sa.bindparam("share_id"), _c.wanted == "present")
    .order_by(_c.created_at.desc(), _c.id.desc())
    .limit(1),
)
OF_SHARE = query(
    SnapshotRow, sa.select(_t).where(_c.share_id == sa.bindparam("share_id")).order_by(_c.id)
)
