"""Queries of shares and their access rules."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Condition, Listing, absent, contains, equals, one_of, present
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.access import AccessRow, SnapshotAccessRow
from cumulo.shared_file_system.model.share import ShareRow

_t, _c = ShareRow.sql_table, columns(ShareRow)
_a, _n = columns(AccessRow), columns(SnapshotAccessRow)
MOST_METADATA_FILTERS = 8


def metadata_filters(column: Any) -> dict[str, Condition]:
    """Exact pieces of JSON text: `"key":"value"`."""

    def has(name: str) -> sa.ColumnElement[bool]:
        piece = sa.bindparam(name, type_=sa.Text())
        found: sa.ColumnElement[bool] = sa.func.replace(column, piece, "") != column
        return found

    return {f"metadata_{i}": has for i in range(MOST_METADATA_FILTERS)}


SHARES = Listing(
    ShareRow,
    filters={
        "project_id": equals(_c.project_id),
        "recycled": present(_c.delete_at),
        "not_recycled": absent(_c.delete_at),
        "availability_zone": equals(_c.availability_zone),
        "user_id": equals(_c.user_id),
        "seen_by": lambda name: sa.or_(_c.project_id == sa.bindparam(name), _c.is_public),
        "id": equals(_c.id),
        "ids": one_of(_c.id),
        "of_types": one_of(_c.type_id),
        "name": equals(_c.name),
        "name_like": contains(_c.name),
        "description": equals(_c.description),
        "description_like": contains(_c.description),
        "status": equals(_c.status),
        "host_id": equals(_c.host_id),
        "share_server_id": equals(_c.server_id),
        "share_type_id": equals(_c.type_id),
        "snapshot_id": equals(_c.snapshot_id),
        "share_network_id": equals(_c.share_network_id),
        "is_public": equals(_c.is_public),
        "size": equals(_c.size),
        "share_proto": equals(_c.protocol),
        **metadata_filters(_c.metadata),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
        "name": _c.name,
        "size": _c.size,
        "status": _c.status,
        "host": _c.host_id,
        "share_proto": _c.protocol,
        "availability_zone": _c.availability_zone,
        "share_type_id": _c.type_id,
        "share_network_id": _c.share_network_id,
        "snapshot_id": _c.snapshot_id,
        "project_id": _c.project_id,
        "user_id": _c.user_id,
    },
)
BY_IDS = query(ShareRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
EXPIRED = statement(
    sa.select(_c.id)
    .where(_c.delete_at <= sa.bindparam("now"), _c.wanted == "present")
    .limit(sa.bindparam("most"))
)
BEING_MADE_FROM = statement(
    sa.select(sa.func.count()).where(
        _c.snapshot_id == sa.bindparam("snapshot_id"),
        _c.observed_size == 0,
        _c.wanted == "present",
        _c.fault.is_(None),
    )
)

RULES = Listing(
    AccessRow,
    filters={
        "share_id": equals(_a.share_id),
        "id": equals(_a.id),
        **metadata_filters(_a.metadata),
        "access_type": equals(_a.access_type),
        "access_to": equals(_a.access_to),
        "access_level": equals(_a.access_level),
    },
    sort_keys={
        "id": _a.id,
        "created_at": _a.created_at,
        "access_type": _a.access_type,
        "access_to": _a.access_to,
        "access_level": _a.access_level,
    },
)
RULES_OF = query(
    AccessRow,
    sa.select(AccessRow.sql_table)
    .where(_a.share_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(_a.created_at, _a.id),
)
STATES_OF = statement(
    sa.select(_a.share_id, _a.state)
    .where(_a.share_id.in_(sa.bindparam("ids", expanding=True)))
    .distinct()
)

SNAPSHOT_RULES_OF = query(
    SnapshotAccessRow,
    sa.select(SnapshotAccessRow.sql_table)
    .where(_n.snapshot_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(_n.created_at, _n.id),
)
