"""Queries of versions."""

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
