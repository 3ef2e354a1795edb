"""Queries of objects, of parts and uploads, and of who has a blob."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.object_store.model.object import ObjectRow, PartRow, UploadRow

_o, _p, _u = columns(ObjectRow), columns(PartRow), columns(UploadRow)

_there = sa.or_(_o.delete_at.is_(None), _o.delete_at > sa.bindparam("now"))
"""Its time is not over."""
_page = (
    sa.select(_o.name, _o.size, _o.etag, _o.content_type, _o.timestamp, _o.kind, _o.extra)
    .add_columns(_o.version)
    .where(
        _o.container_id == sa.bindparam("container"),
        _o.name >= sa.bindparam("low"),
        _o.name < sa.bindparam("high"),
        _there,
    )
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
FORWARD = statement(_page.order_by(_o.name))
BACKWARD = statement(_page.order_by(_o.name.desc()))

ANY = statement(
    sa.select(_o.name).where(_o.container_id == sa.bindparam("container"), _there).limit(1)
)
ALL_OBJECTS = query(
    ObjectRow,
    sa.select(ObjectRow.sql_table)
    .where(_o.container_id == sa.bindparam("container"))
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
UPLOADS_THERE = statement(
    sa.select(sa.func.count()).select_from(
        sa.select(_u.id)
        .where(_u.container_id == sa.bindparam("container"))
        .limit(sa.bindparam("most", type_=sa.Integer()))
        .subquery()
    )
)
"""How many there are, and at most so many."""
ALL_UPLOADS = query(
    UploadRow,
    sa.select(UploadRow.sql_table)
    .where(_u.container_id == sa.bindparam("container"))
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
AFTER = query(
    ObjectRow,
    sa.select(ObjectRow.sql_table)
    .where(_o.container_id == sa.bindparam("container"), _o.name > sa.bindparam("after"))
    .order_by(_o.name)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
"""A container's objects in the order of their names."""
EXPIRED = statement(
    sa.select(_o.container_id, _o.name)
    .where(_o.delete_at <= sa.bindparam("now"))
    .order_by(_o.delete_at)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)

OBJECTS_WITH_BLOB = statement(sa.select(_o.name).where(_o.blob == sa.bindparam("blob")).limit(1))
PARTS_WITH_BLOB = statement(sa.select(_p.number).where(_p.blob == sa.bindparam("blob")).limit(1))
OBJECTS_WITH_PARTS = statement(
    sa.select(_o.name).where(_o.assembly == sa.bindparam("assembly")).limit(1)
)
KNOWN_OBJECTS = statement(
    sa.select(_o.blob).where(_o.blob.in_(sa.bindparam("blobs", expanding=True)))
)
KNOWN_PARTS = statement(
    sa.select(_p.blob).where(_p.blob.in_(sa.bindparam("blobs", expanding=True)))
)

PARTS = query(
    PartRow,
    sa.select(PartRow.sql_table)
    .where(_p.assembly == sa.bindparam("assembly"), _p.number > sa.bindparam("after"))
    .order_by(_p.number)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)

PARTS_SIZE = statement(
    sa.select(sa.func.sum(_p.size)).where(_p.assembly == sa.bindparam("assembly"))
)
PART_BEFORE = statement(
    sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_p.size), 0)).where(
        _p.assembly == sa.bindparam("assembly"), _p.number < sa.bindparam("number")
    )
)
"""How many parts come before one, and how many bytes."""
PART_COUNT = statement(
    sa.select(sa.func.count())
    .select_from(PartRow.sql_table)
    .where(_p.assembly == sa.bindparam("assembly"))
)

UPLOADS = query(
    UploadRow,
    sa.select(UploadRow.sql_table)
    .where(
        _u.container_id == sa.bindparam("container"),
        sa.tuple_(_u.name, _u.id)
        > sa.tuple_(sa.bindparam("name", type_=_u.name.type), sa.bindparam("id", type_=_u.id.type)),
        _u.name < sa.bindparam("high"),
    )
    .order_by(_u.name, _u.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
