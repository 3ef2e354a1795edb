"""Queries of prices, and of whose usage there is."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.telemetry.model.interval import IntervalRow
from cumulo.telemetry.model.rating import (
    HashFieldRow,
    HashGroupRow,
    HashPriceRow,
    HashServiceRow,
    TermRow,
)

_s, _f, _g = columns(HashServiceRow), columns(HashFieldRow), columns(HashGroupRow)
_p, _i = columns(HashPriceRow), columns(IntervalRow)

SERVICES = query(HashServiceRow, sa.select(HashServiceRow.sql_table).order_by(_s.name))
FIELDS = query(
    HashFieldRow,
    sa.select(HashFieldRow.sql_table)
    .where(_f.service_id == sa.bindparam("service"))
    .order_by(_f.name),
)
GROUPS = query(HashGroupRow, sa.select(HashGroupRow.sql_table).order_by(_g.name))
ALL_PRICES = query(HashPriceRow, sa.select(HashPriceRow.sql_table).order_by(_p.created_at, _p.id))
COUNT_PRICES = statement(sa.select(sa.func.count()).select_from(HashPriceRow.sql_table))
TERMS = query(
    TermRow, sa.select(TermRow.sql_table).order_by(columns(TermRow).since, columns(TermRow).id)
)
PROJECTS = statement(
    sa.select(_i.project_id)
    .where(
        _i.began < sa.bindparam("until"),
        sa.or_(_i.ended.is_(None), _i.ended > sa.bindparam("since")),
    )
    .distinct()
    .order_by(_i.project_id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
