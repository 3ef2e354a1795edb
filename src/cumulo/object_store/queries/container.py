"""Queries of containers, and of the bytes that nobody has any more."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.object_store.model.container import ContainerRow, RemovalRow

_c, _r = columns(ContainerRow), columns(RemovalRow)

NAMED = query(
    ContainerRow,
    sa.select(ContainerRow.sql_table).where(
        _c.account == sa.bindparam("account"), _c.name == sa.bindparam("name")
    ),
)
COUNT = statement(
    sa.update(ContainerRow.sql_table)
    .where(_c.id == sa.bindparam("container"))
    .values(
        objects=_c.objects + sa.bindparam("objects"),
        bytes=_c.bytes + sa.bindparam("bytes"),
    )
)
AFTER = query(
    ContainerRow,
    sa.select(ContainerRow.sql_table)
    .where(_c.id > sa.bindparam("after"))
    .order_by(_c.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
COUNT_ALL = statement(sa.select(sa.func.count()).select_from(ContainerRow.sql_table))

_page = (
    sa.select(_c.name, _c.objects, _c.bytes, _c.put_timestamp, _c.policy, _c.timestamp)
    .where(
        _c.account == sa.bindparam("account"),
        _c.name >= sa.bindparam("low"),
        _c.name < sa.bindparam("high"),
    )
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
FORWARD = statement(_page.order_by(_c.name))
BACKWARD = statement(_page.order_by(_c.name.desc()))

DUE = query(
    RemovalRow,
    sa.select(RemovalRow.sql_table)
    .where(_r.due <= sa.bindparam("now"))
    .order_by(_r.due)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
