"""Queries of the rules that new security groups are made with."""

import sqlalchemy as sa

from cumulo.core.db.listing import differs
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.network.model.security_group import DefaultRuleRow
from cumulo.network.queries.lists import NounListing

_t = DefaultRuleRow.sql_table
_c = columns(DefaultRuleRow)

DEFAULT_RULES = NounListing(
    DefaultRuleRow,
    json=("name",),
    # Everybody sees all: no project has a rule's id.
    visible=differs(_c.id),
)
ALL = query(DefaultRuleRow, sa.select(_t).order_by(_c.created_at, _c.id))
