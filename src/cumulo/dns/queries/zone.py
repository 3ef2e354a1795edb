"""Queries of zones."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.dns.model.zone import ShareRow, ZoneRow

_c = columns(ZoneRow)
_t = ZoneRow.sql_table
_s = columns(ShareRow)


def like(column: Any) -> Callable[[str], Any]:
    """The value is a pattern of SQL in which a backslash takes the meaning of a sign away."""
    return lambda name: column.like(sa.bindparam(name, type_=sa.Text()), escape="\\")


def _visible(name: str) -> Any:
    """Of this project, or shared with it."""
    project: sa.BindParameter[str] = sa.bindparam(name)
    shared = sa.select(_s.zone_id).where(_s.target_project_id == project)
    return sa.or_(_c.project_id == project, _c.id.in_(shared))


LISTING = Listing(
    ZoneRow,
    filters={
        "visible": _visible,
        "name": equals(_c.name),
        "name_like": like(_c.name),
        "type": equals(_c.type),
        "email": like(_c.email),
        "status": equals(_c.status),
        "description": like(_c.description),
        "ttl": equals(_c.ttl),
    },
    sort_keys={
        "created_at": _c.created_at,
        "id": _c.id,
        "updated_at": _c.updated_at,
        "name": _c.name,
        "tenant_id": _c.project_id,
        "serial": _c.serial,
        "ttl": _c.ttl,
        "status": _c.status,
    },
    default_sort=(("created_at", "asc"),),
)
NAMED = query(ZoneRow, sa.select(_t).where(_c.name.in_(sa.bindparam("names", expanding=True))))
MANY = query(ZoneRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
BELOW = query(
    ZoneRow,
    sa.select(_t)
    .where(_c.tree > sa.bindparam("key"), _c.tree < sa.bindparam("end"), _c.wanted)
    .order_by(_c.tree)
    .limit(1),
)
ALL_BELOW = query(
    ZoneRow, sa.select(_t).where(_c.tree > sa.bindparam("key"), _c.tree < sa.bindparam("end"))
)
FOREIGN_BELOW = query(
    ZoneRow,
    sa.select(_t)
    .where(
        _c.tree > sa.bindparam("key"),
        _c.tree < sa.bindparam("end"),
        _c.project_id != sa.bindparam("project_id"),
    )
    .limit(1),
)
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
OUTDATED = query(
    ZoneRow,
    sa.select(_t)
    .where(
        _c.status != "ACTIVE",
        _c.change <= sa.bindparam("change"),
        sa.or_(_c.served < _c.change, sa.and_(sa.not_(_c.wanted), _c.mirrored >= _c.change)),
    )
    .order_by(_c.change)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
DUE = statement(
    sa.select(_c.id, _c.project_id)
    .where(
        _c.due > 0,
        _c.due <= sa.bindparam("now"),
        _c.project_id.not_in(sa.bindparam("but", expanding=True)),
    )
    .order_by(_c.due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
_POOL_DUE = (
    sa.select(_c.id, _c.pool_due)
    .where(_c.pool_due > 0, _c.pool_due <= sa.bindparam("now"))
    .order_by(_c.pool_due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
_DUE_IN_POOL = _POOL_DUE.where(_c.pool_id == sa.bindparam("pool_id"))
DUE_IN_POOL = statement(_DUE_IN_POOL)
DUE_TO_FETCH = statement(_DUE_IN_POOL.where(_c.served >= _c.change))
"""Those that are fetched from the cloud's own name servers, which are to have them first."""
DUE_ELSEWHERE = statement(
    _POOL_DUE.where(_c.pool_id.not_in(sa.bindparam("pool_ids", expanding=True)))
)
WAITING = statement(
    sa.select(sa.func.count())
    .select_from(_t)
    .where(_c.pool_id == sa.bindparam("pool_id"), _c.pool_due > 0)
)
POOL_IS_BACK = statement(
    sa.update(_t)
    .where(
        _c.pool_id == sa.bindparam("of_pool"),
        _c.pool_due > sa.bindparam("moment"),
        _c.pool_attempts > 0,
        _c.pool_fault.is_(None),
    )
    .values(pool_due=sa.bindparam("moment"))
)
AFTER = query(
    ZoneRow,
    sa.select(_t)
    .where(_c.id > sa.bindparam("id"), _c.wanted)
    .order_by(_c.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
SINK = statement(
    sa.select(_c.name)
    .where(
        _c.project_id == sa.bindparam("project_id"),
        _c.attributes.like('%"sink":"servers"%'),
        _c.type == "PRIMARY",
        _c.wanted,
    )
    .order_by(_c.created_at, _c.id)
    .limit(1)
)
NAMES_FOR = statement(
    sa.select(_c.name)
    .where(_c.project_id == sa.bindparam("project_id"), _c.wanted)
    .order_by(_c.name)
    .limit(100)
)
SHARE_OF = query(
    ShareRow,
    sa.select(ShareRow.sql_table).where(
        _s.zone_id == sa.bindparam("zone_id"), _s.target_project_id == sa.bindparam("project_id")
    ),
)
SHARED = statement(
    sa.select(_s.zone_id).where(_s.zone_id.in_(sa.bindparam("ids", expanding=True))).distinct()
)
