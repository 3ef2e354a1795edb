"""Queries of accounts."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.object_store.model.account import AccountRow

_c = columns(AccountRow)

COUNT = statement(
    sa.update(AccountRow.sql_table)
    .where(_c.name == sa.bindparam("account"))
    .values(
        containers=_c.containers + sa.bindparam("containers"),
        objects=_c.objects + sa.bindparam("objects"),
        bytes=_c.bytes + sa.bindparam("bytes"),
    )
)
