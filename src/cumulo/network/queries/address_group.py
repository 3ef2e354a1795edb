"""Queries of address groups."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.address_group import AddressGroupRow
from cumulo.network.model.security_group import DefaultRuleRow, SecurityGroupRuleRow
from cumulo.network.queries.lists import NounListing, parameter
from cumulo.network.queries.rbac import own_or_shared, sharing

_t = AddressGroupRow.sql_table
_c, _r, _d = columns(AddressGroupRow), columns(SecurityGroupRuleRow), columns(DefaultRuleRow)

ADDRESS_GROUPS = NounListing(
    AddressGroupRow,
    json=("addresses",),
    more=sharing("address_group", _c.id),
    visible=own_or_shared("address_group", _c.id, _c.project_id),
)
BY_IDS = query(AddressGroupRow, sa.select(_t).where(_c.id.in_(parameter("ids"))))
GROUPS_NAMING = statement(
    sa.select(_r.security_group_id)
    .distinct()
    .where(_r.remote_address_group_id == sa.bindparam("id"))
    .order_by(_r.security_group_id)
)
"""The security groups that have rules about an address group."""
TEMPLATES_NAMING = statement(
    sa.select(_d.id).where(_d.remote_address_group_id == sa.bindparam("id")).limit(1)
)
