"""Queries of subnet pools and address scopes."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.subnet import SubnetRow
from cumulo.network.model.subnetpool import AddressScopeRow, SubnetPoolRow
from cumulo.network.queries.lists import NounListing, parameter
from cumulo.network.queries.rbac import own_or_shared, sharing

_t = SubnetPoolRow.sql_table
_c, _a, _s = columns(SubnetPoolRow), columns(AddressScopeRow), columns(SubnetRow)

POOLS = NounListing(
    SubnetPoolRow,
    json=("prefixes", "shared", "allocations"),
    more=sharing("subnetpool", _c.id),
    visible=own_or_shared("subnetpool", _c.id, _c.project_id),
)
SCOPES = NounListing(
    AddressScopeRow,
    json=("shared", "description", "revision_number", "created_at", "updated_at"),
    more=sharing("address_scope", _a.id),
    visible=own_or_shared("address_scope", _a.id, _a.project_id),
)
OF_SCOPE = query(
    SubnetPoolRow, sa.select(_t).where(_c.address_scope_id == sa.bindparam("scope_id"))
)
DEFAULT = query(
    SubnetPoolRow,
    sa.select(_t).where(_c.is_default.is_(True), _c.ip_version == sa.bindparam("version")),
)
HOLD = statement(
    sa.update(_t)
    .where(_c.id == sa.bindparam("pool"))
    .values(allocations=_c.allocations + 1)
    .returning(_c.allocations)
)
TAKEN = statement(
    sa.select(_s.cidr, _s.project_id).where(_s.subnetpool_id == sa.bindparam("pool_id"))
)
SCOPES_OF_NETWORKS = statement(
    sa.select(_s.network_id, _c.ip_version, _c.address_scope_id)
    .distinct()
    .join_from(SubnetRow.sql_table, _t, _c.id == _s.subnetpool_id)
    .where(_s.network_id.in_(parameter("ids")), _c.address_scope_id.is_not(None))
)
ONBOARD = statement(
    sa.update(SubnetRow.sql_table)
    .where(_s.network_id == sa.bindparam("network"), _s.ip_version == sa.bindparam("version"))
    .values(subnetpool_id=sa.bindparam("pool"))
)
