"""Queries of security groups and their rules."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.security_group import (
    GroupChangeRow,
    SecurityGroupRow,
    SecurityGroupRuleRow,
)
from cumulo.network.queries.lists import NounListing, parameter
from cumulo.network.queries.rbac import own_or_shared, sharing

_t, _rt = SecurityGroupRow.sql_table, SecurityGroupRuleRow.sql_table
_c, _r = columns(SecurityGroupRow), columns(SecurityGroupRuleRow)

GROUPS = NounListing(
    SecurityGroupRow,
    more=sharing("security_group", _c.id),
    visible=own_or_shared("security_group", _c.id, _c.project_id),
)


def _visible(name: str) -> sa.ColumnElement[bool]:
    """A project's own, and others' in its groups."""
    own: Any = _r.project_id == sa.bindparam(name)
    groups = sa.select(_c.id).where(_c.project_id == sa.bindparam(name))
    return sa.or_(own, _r.security_group_id.in_(groups))


RULES = NounListing(SecurityGroupRuleRow, visible=_visible)
BY_IDS = query(SecurityGroupRow, sa.select(_t).where(_c.id.in_(parameter("ids"))))
BY_NAMES = query(
    SecurityGroupRow,
    sa.select(_t)
    .where(_c.project_id == sa.bindparam("project_id"), _c.name.in_(parameter("names")))
    .order_by(_c.created_at, _c.id),
)
DEFAULT_OF = query(SecurityGroupRow, sa.select(_t).where(_c.default_of == sa.bindparam("project")))
RULES_OF = query(
    SecurityGroupRuleRow,
    sa.select(_rt).where(_r.security_group_id.in_(parameter("ids"))).order_by(_r.created_at, _r.id),
)
RULES_NAMING = query(
    SecurityGroupRuleRow,
    sa.select(_rt).where(_r.remote_group_id == sa.bindparam("group_id")),
)
DROP_RULES = statement(sa.delete(_rt).where(_r.security_group_id == sa.bindparam("group")))

_n = columns(GroupChangeRow)
NAMED_BY = statement(
    sa.select(_r.remote_group_id)
    .distinct()
    .where(_r.security_group_id.in_(parameter("ids")), _r.remote_group_id.is_not(None))
    .order_by(_r.remote_group_id)
)
NOTE_CHANGE = statement(
    sa.update(GroupChangeRow.sql_table)
    .where(_n.group_id == sa.bindparam("group"))
    .values(pending=True)
)
CHANGED = query(
    GroupChangeRow,
    sa.select(GroupChangeRow.sql_table)
    .where(_n.pending.is_(True))
    .order_by(_n.group_id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
NUMBERS = query(
    GroupChangeRow, sa.select(GroupChangeRow.sql_table).where(_n.group_id.in_(parameter("ids")))
)
