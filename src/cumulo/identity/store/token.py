"""Queries of revocations."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.identity.model.token import RevocationRow

_c = columns(RevocationRow)

FORGET_EXPIRED = statement(
    sa.delete(RevocationRow.sql_table).where(_c.expires < sa.bindparam("before"))
)
