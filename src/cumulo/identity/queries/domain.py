"""Queries of domains."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.domain import DomainRow

_c = columns(DomainRow)

BY_NAME = query(DomainRow, sa.select(DomainRow.sql_table).where(_c.name == sa.bindparam("name")))
DOMAINS = Listing(
    DomainRow,
    filters={"name": equals(_c.name), "enabled": equals(_c.enabled), "id": equals(_c.id)},
    sort_keys={"name": _c.name},
    default_sort=(("name", "asc"),),
)
