"""Queries of versions."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import VersionRow

_v, _o = columns(VersionRow), columns(ObjectRow)

NEWEST = query(
    VersionRow,
    sa.select(VersionRow.sql_table)
    .where(_v.container_id == sa.bindparam("container"), _v.name == sa.bindparam("name"))
    .order_by(_v.timestamp.desc())
    .limit(1),
)
ANY = statement(sa.select(_v.version).where(_v.container_id == sa.bindparam("container")).limit(1))
WITH_BLOB = statement(sa.select(_v.version).where(_v.blob == sa.bindparam("blob")).limit(1))
WITH_PARTS = statement(
    sa.select(_v.version).where(_v.assembly == sa.bindparam("assembly")).limit(1)
)
KNOWN = statement(sa.select(_v.blob).where(_v.blob.in_(sa.bindparam("blobs", expanding=True))))

AFTER = query(
    VersionRow,
    sa.select(VersionRow.sql_table)
    .where(
        _v.container_id == sa.bindparam("container"),
        sa.or_(
            _v.name > sa.bindparam("name"),
            sa.and_(_v.name == sa.bindparam("name"), _v.timestamp < sa.bindparam("before")),
        ),
    )
    .order_by(_v.name, _v.timestamp.desc())
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
"""A container's older versions: by name, of each the newest first."""

OLDER = query(
    VersionRow,
    sa.select(VersionRow.sql_table)
    .where(
        _v.container_id == sa.bindparam("container"),
        _v.name >= sa.bindparam("low"),
        _v.name < sa.bindparam("high"),
        sa.or_(_v.name > sa.bindparam("name"), _v.timestamp < sa.bindparam("before")),
    )
    .order_by(_v.name, _v.timestamp.desc())
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
CURRENT = query(
    ObjectRow,
    sa.select(ObjectRow.sql_table)
    .where(
        _o.container_id == sa.bindparam("container"),
        _o.name >= sa.bindparam("low"),
        _o.name < sa.bindparam("high"),
        sa.or_(_o.name > sa.bindparam("name"), _o.timestamp < sa.bindparam("before")),
    )
    .order_by(_o.name)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)


# Swift's lists of versions: (name, version) within bounds, which are excluded, in both directions.


def _within(c: Any) -> Any:
    above = sa.or_(
        c.name > sa.bindparam("low"),
        sa.and_(c.name == sa.bindparam("low"), c.version < sa.bindparam("low_version")),
    )
    below = sa.or_(
        c.name < sa.bindparam("high"),
        sa.and_(c.name == sa.bindparam("high"), c.version > sa.bindparam("high_version")),
    )
    # The first two lines are what an index finds.
    return sa.and_(
        c.container_id == sa.bindparam("container"),
        c.name >= sa.bindparam("low"),
        c.name <= sa.bindparam("high"),
        above,
        below,
    )


_newer = VersionRow.sql_table.alias()
_IS_LAST = sa.and_(
    _v.marker,
    ~sa.exists().where(_o.container_id == _v.container_id, _o.name == _v.name),
    ~sa.exists().where(
        _newer.c.container_id == _v.container_id,
        _newer.c.name == _v.name,
        _newer.c.timestamp > _v.timestamp,
    ),
)
"""A deletion is the last that happened to the name."""


def _listed(c: Any, marker: Any, latest: Any, *, backward: bool) -> Any:
    columns = (c.name, c.version, c.size, c.etag, c.content_type, c.timestamp, c.kind, c.extra)
    order = (c.name.desc(), c.version) if backward else (c.name, c.version.desc())
    found = sa.select(*columns, marker.label("marker"), latest.label("latest")).where(_within(c))
    return found.order_by(*order).limit(sa.bindparam("most", type_=sa.Integer()))


_there = sa.or_(_o.delete_at.is_(None), _o.delete_at > sa.bindparam("now"))
LIST_CURRENT = {
    backward: statement(_listed(_o, sa.literal(False), _there, backward=backward))
    for backward in (False, True)
}
LIST_OLDER = {
    backward: statement(_listed(_v, _v.marker, _IS_LAST, backward=backward))
    for backward in (False, True)
}
