"""Queries of backups."""

import sqlalchemy as sa

from cumulo.block_storage.model.backup import BackupRow
from cumulo.core.db.listing import Listing, contains_folded, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_t, _c = BackupRow.sql_table, columns(BackupRow)

BACKUPS = Listing(
    BackupRow,
    filters={
        "project_id": equals(_c.project_id),
        "id": equals(_c.id),
        "name": equals(_c.name),
        "name_part": contains_folded(_c.name),
        "status": equals(_c.status),
        "volume_id": equals(_c.volume_id),
        "snapshot_id": equals(_c.snapshot_id),
        "user_id": equals(_c.user_id),
        "size": equals(_c.size),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
        "name": _c.name,
        "size": _c.size,
        "status": _c.status,
        "volume_id": _c.volume_id,
    },
)
PARENTS = statement(
    sa.select(_c.parent_id).distinct().where(_c.parent_id.in_(sa.bindparam("ids", expanding=True)))
)
"""Those of them that others stand on."""
LAST = query(
    BackupRow,
    sa.select(_t)
    .where(
        _c.volume_id == sa.bindparam("volume"),
        _c.project_id == sa.bindparam("project"),
        _c.status.in_(("available", "restoring")),
        _c.data_timestamp <= sa.bindparam("until"),
    )
    .order_by(_c.data_timestamp.desc(), _c.created_at.desc(), _c.id)
    .limit(1),
)
"""The newest backup of a volume's bytes of that moment, or before."""
OF_SNAPSHOT = statement(
    sa.select(sa.func.count())
    .select_from(_t)
    .where(
        _c.snapshot_id == sa.bindparam("snapshot"),
        _c.made.is_(False),
        _c.fault.is_(None),
        _c.wanted == "present",
    )
)
"""Being made of a snapshot, which stays as long."""
WITH_CONTENT = statement(
    sa.select(sa.func.count()).select_from(_t).where(_c.content_id == sa.bindparam("content"))
)
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
