"""Queries of volumes."""

import operator
from typing import Any

import sqlalchemy as sa

from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.core.db.listing import Listing, contains_folded, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_t, _c = VolumeRow.sql_table, columns(VolumeRow)
_s = columns(SnapshotRow)


def by_time(name: str, column: Any) -> dict[str, Any]:
    compare = {
        "gt": operator.gt,
        "gte": operator.ge,
        "eq": operator.eq,
        "neq": operator.ne,
        "lt": operator.lt,
        "lte": operator.le,
    }
    return {
        f"{name}_{word}": lambda bound, compare=how: compare(column, sa.bindparam(bound))
        for word, how in compare.items()
    }


VOLUMES = Listing(
    VolumeRow,
    remembers=True,
    filters={
        "project_id": equals(_c.project_id),
        "id": equals(_c.id),
        "ids": one_of(_c.id),
        "name": equals(_c.name),
        "name_part": contains_folded(_c.name),
        "status": equals(_c.status),
        "bootable": equals(_c.bootable),
        "availability_zone": equals(_c.availability_zone),
        "host_id": equals(_c.host_id),
        "user_id": equals(_c.user_id),
        "group_id": equals(_c.group_id),
        "size": equals(_c.size),
        "type_id": equals(_c.type_id),
        "multiattach": equals(_c.multiattach),
        **by_time("created_at", _c.created_at),
        **by_time("updated_at", _c.updated_at),
        # Exact pieces of JSON text: `"key":"value"`.
        **{
            f"metadata_{i}": lambda name: (
                sa.func.replace(_c.metadata, sa.bindparam(name, type_=sa.Text()), "") != _c.metadata
            )
            for i in range(8)
        },
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
        "name": _c.name,
        "size": _c.size,
        "status": _c.status,
        "availability_zone": _c.availability_zone,
        "bootable": _c.bootable,
        "user_id": _c.user_id,
        "host": _c.host_id,
    },
)
BY_IDS = query(VolumeRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
SNAPSHOT_COUNT = statement(
    sa.select(sa.func.count()).where(_s.volume_id == sa.bindparam("volume_id"))
)
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
SUMMARY = statement(
    sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_c.size), 0)).where(
        _c.project_id == sa.bindparam("project_id")
    )
)
SUMMARY_ALL = statement(
    sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_c.size), 0)).select_from(_t)
)
METADATA = statement(
    sa.select(_c.metadata)
    .distinct()
    .where(_c.project_id == sa.bindparam("project_id"), _c.metadata != "{}")
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
METADATA_ALL = statement(
    sa.select(_c.metadata)
    .distinct()
    .where(_c.metadata != "{}")
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
OF_TYPE = statement(sa.select(sa.func.count()).where(_c.type_id == sa.bindparam("type_id")))
MADE_FROM = statement(
    sa.select(sa.func.count()).where(
        _c.observed_size == 0,
        _c.wanted == "present",
        _c.fault.is_(None),
        sa.or_(
            _c.source_volume_id == sa.bindparam("source"),
            _c.snapshot_id == sa.bindparam("source"),
            _c.reverting_to == sa.bindparam("source"),
        ),
    )
)
ON_HOST = statement(
    sa.select(_c.project_id, sa.func.count(), sa.func.sum(_c.size))
    .where(_c.host_id == sa.bindparam("h"))
    .group_by(_c.project_id)
)

EVERY = query(VolumeRow, sa.select(_t).order_by(_c.id))
"""For simulated worlds, which are small."""
