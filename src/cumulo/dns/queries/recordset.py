"""Queries of sets of records."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries.zone import like

_c = columns(RecordsetRow)
_t = RecordsetRow.sql_table
_z = columns(ZoneRow)


def _holds(name: str) -> Any:
    """One of its records matches; the value is a pattern over the JSON of all of them."""
    return _c.records.like(sa.bindparam(name, type_=sa.Text()), escape="\\")


LISTING = Listing(
    RecordsetRow,
    filters={
        "zone_id": equals(_c.zone_id),
        "project_id": equals(_c.project_id),
        "name": equals(_c.name),
        "name_like": like(_c.name),
        "type": equals(_c.type),
        "ttl": equals(_c.ttl),
        "data": _holds,
        "status": equals(_c.status),
        "description": like(_c.description),
    },
    sort_keys={
        "created_at": _c.created_at,
        "id": _c.id,
        "updated_at": _c.updated_at,
        "zone_id": _c.zone_id,
        "tenant_id": _c.project_id,
        "name": _c.name,
        "type": _c.type,
        "ttl": _c.ttl,
        "records": _c.records,
    },
    default_sort=(("created_at", "asc"),),
)
NAMED = query(
    RecordsetRow,
    sa.select(_t).where(_c.zone_id == sa.bindparam("zone_id"), _c.name == sa.bindparam("name")),
)
CUTS = query(
    RecordsetRow,
    sa.select(_t).where(
        _c.zone_id == sa.bindparam("zone_id"),
        _c.name.in_(sa.bindparam("names", expanding=True)),
        _c.type == "NS",
    ),
)
PUBLISHED = query(
    RecordsetRow,
    sa.select(_t).where(
        _c.zone_id == sa.bindparam("zone_id"),
        _c.project_id == sa.bindparam("project_id"),
        _c.managed.is_(True),
        _c.type.in_(("A", "AAAA")),
    ),
)
POINTERS = query(
    RecordsetRow,
    sa.select(_t).where(
        _c.zone_id == sa.bindparam("zone_id"), _c.managed.is_(True), _c.type == "PTR"
    ),
)
HIDDEN = query(
    RecordsetRow,
    sa.select(_t)
    .where(
        _c.zone_id == sa.bindparam("zone_id"),
        sa.or_(
            _c.name == sa.bindparam("name"),
            _c.name.like(sa.bindparam("below", type_=sa.Text()), escape="\\"),
        ),
        sa.or_(
            _c.type.not_in(("A", "AAAA", "NS", "DS")),
            _c.project_id != sa.bindparam("project_id"),
        ),
    )
    .order_by(_c.name)
    .limit(1),
)
"""What a delegation of a name would hide: all but addresses of its servers."""
OF_NAMES = query(
    RecordsetRow,
    sa.select(_t).where(
        _c.zone_id == sa.bindparam("zone_id"),
        _c.name.in_(sa.bindparam("names", expanding=True)),
    ),
)
ONE = query(
    RecordsetRow,
    sa.select(_t).where(
        _c.zone_id == sa.bindparam("zone_id"),
        _c.name == sa.bindparam("name"),
        _c.type == sa.bindparam("type"),
    ),
)
OF_ZONE = query(
    RecordsetRow,
    sa.select(_t)
    .where(_c.zone_id == sa.bindparam("zone_id"), _c.id > sa.bindparam("id"))
    .order_by(_c.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
OF_ZONES = query(
    RecordsetRow, sa.select(_t).where(_c.zone_id.in_(sa.bindparam("ids", expanding=True)))
)
SERVED = statement(
    sa.update(_t)
    .where(
        _c.status != "ACTIVE",
        _c.change <= sa.bindparam("upto"),
        _c.zone_id.not_in(sa.select(_z.id).where(_z.mirrored < _z.change, _z.status != "ACTIVE")),
    )
    .values(served=_c.change, action=sa.bindparam("new_action"), status=sa.bindparam("new_status"))
)
SERVED_OF = statement(
    sa.update(_t)
    .where(
        _c.zone_id == sa.bindparam("of_zone"),
        _c.status != "ACTIVE",
        _c.change <= sa.bindparam("upto"),
    )
    .values(served=_c.change, action=sa.bindparam("new_action"), status=sa.bindparam("new_status"))
)
DROP_OF = statement(sa.delete(_t).where(_c.zone_id == sa.bindparam("zone_id")))
