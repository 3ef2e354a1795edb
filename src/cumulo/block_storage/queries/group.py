"""Queries of groups and of their snapshots."""

import sqlalchemy as sa

from cumulo.block_storage.model.group import GroupRow, GroupSnapshotRow
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.core.db.listing import Listing, contains_folded, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_g, _s = columns(GroupRow), columns(GroupSnapshotRow)
_v, _vs = columns(VolumeRow), columns(SnapshotRow)

GROUPS = Listing(
    GroupRow,
    filters={
        "project_id": equals(_g.project_id),
        "id": equals(_g.id),
        "ids": one_of(_g.id),
        "name": equals(_g.name),
        "name_part": contains_folded(_g.name),
        "status": equals(_g.status),
        "group_type_id": equals(_g.group_type_id),
        "group_snapshot_id": equals(_g.group_snapshot_id),
        "source_group_id": equals(_g.source_group_id),
        "availability_zone": equals(_g.availability_zone),
    },
    sort_keys={
        "id": _g.id,
        "created_at": _g.created_at,
        "name": _g.name,
        "status": _g.status,
        "group_type_id": _g.group_type_id,
    },
)
GROUP_SNAPSHOTS = Listing(
    GroupSnapshotRow,
    filters={
        "project_id": equals(_s.project_id),
        "id": equals(_s.id),
        "name": equals(_s.name),
        "name_part": contains_folded(_s.name),
        "status": equals(_s.status),
        "group_id": equals(_s.group_id),
        "group_type_id": equals(_s.group_type_id),
    },
    sort_keys={
        "id": _s.id,
        "created_at": _s.created_at,
        "name": _s.name,
        "status": _s.status,
        "group_id": _s.group_id,
    },
)
VOLUMES = query(
    VolumeRow,
    sa.select(VolumeRow.sql_table)
    .where(_v.group_id.in_(sa.bindparam("groups", expanding=True)))
    .order_by(_v.created_at, _v.id),
)
VOLUME_IDS = statement(
    sa.select(_v.group_id, _v.id)
    .where(_v.group_id.in_(sa.bindparam("groups", expanding=True)))
    .order_by(_v.created_at, _v.id)
)
VOLUME_STATUSES = statement(
    sa.select(_v.status).distinct().where(_v.group_id == sa.bindparam("group"))
)
SNAPSHOTS = query(
    SnapshotRow,
    sa.select(SnapshotRow.sql_table)
    .where(_vs.group_snapshot_id == sa.bindparam("group_snapshot"))
    .order_by(_vs.created_at, _vs.id),
)
SNAPSHOT_STATUSES = statement(
    sa.select(_vs.status).distinct().where(_vs.group_snapshot_id == sa.bindparam("group_snapshot"))
)
SNAPSHOTS_OF = statement(
    sa.select(sa.func.count())
    .select_from(GroupSnapshotRow.sql_table)
    .where(_s.group_id == sa.bindparam("group"))
)
OF_TYPE = statement(
    sa.select(sa.func.count())
    .select_from(GroupRow.sql_table)
    .where(_g.group_type_id == sa.bindparam("type_id"))
)
