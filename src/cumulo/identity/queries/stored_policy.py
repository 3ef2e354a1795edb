"""Queries of stored policies and what they are for."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.stored_policy import PolicyAssociationRow, StoredPolicyRow

_c, _a = columns(StoredPolicyRow), columns(PolicyAssociationRow)

POLICIES = Listing(
    StoredPolicyRow,
    filters={"type": equals(_c.type)},
    sort_keys={"type": _c.type},
    default_sort=(("type", "asc"),),
)
OF_POLICY = query(
    PolicyAssociationRow,
    sa.select(PolicyAssociationRow.sql_table).where(_a.policy_id == sa.bindparam("policy_id")),
)
FOR_ENDPOINT = query(
    PolicyAssociationRow,
    sa.select(PolicyAssociationRow.sql_table).where(_a.endpoint_id == sa.bindparam("endpoint_id")),
)
FOR_SERVICE = query(
    PolicyAssociationRow,
    sa.select(PolicyAssociationRow.sql_table).where(_a.service_id == sa.bindparam("service_id")),
)
