"""Queries of domains' options."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.domain_config import DomainOptionRow, SensitiveDomainOptionRow

_o, _s = columns(DomainOptionRow), columns(SensitiveDomainOptionRow)

OPTIONS = query(
    DomainOptionRow,
    sa.select(DomainOptionRow.sql_table)
    .where(_o.domain_id == sa.bindparam("domain_id"))
    .order_by(_o.section, _o.option),
)
SENSITIVE = query(
    SensitiveDomainOptionRow,
    sa.select(SensitiveDomainOptionRow.sql_table)
    .where(_s.domain_id == sa.bindparam("domain_id"))
    .order_by(_s.section, _s.option),
)
DOMAINS = statement(sa.select(_o.domain_id).distinct().order_by(_o.domain_id))
