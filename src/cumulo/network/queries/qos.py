"""Queries of QoS policies and their rules, and of what has a policy."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import PortRow
from cumulo.network.model.qos import QosPolicyRow, QosRuleRow
from cumulo.network.queries.lists import NounListing, parameter
from cumulo.network.queries.rbac import own_or_shared, sharing

_t = QosPolicyRow.sql_table
_c, _r = columns(QosPolicyRow), columns(QosRuleRow)
_n, _p, _f = columns(NetworkRow), columns(PortRow), columns(FloatingIpRow)

POLICIES = NounListing(
    QosPolicyRow,
    json=("shared",),
    more=sharing("qos_policy", _c.id),
    visible=own_or_shared("qos_policy", _c.id, _c.project_id),
)
RULES = NounListing(QosRuleRow, json=("values",))
RULES_OF = query(
    QosRuleRow,
    sa.select(QosRuleRow.sql_table)
    .where(_r.policy_id.in_(parameter("ids")))
    .order_by(_r.kind, _r.id),
)
DEFAULT = query(
    QosPolicyRow,
    sa.select(_t).where(_c.is_default.is_(True), _c.project_id == sa.bindparam("project_id")),
)
OF_NETWORKS = statement(
    sa.select(_n.id, _n.qos_policy_id).where(
        _n.id.in_(parameter("ids")), _n.qos_policy_id.is_not(None)
    )
)
_policy: Any = sa.bindparam("policy_id")
USED_BY = statement(
    sa.union_all(
        sa.select(sa.literal("network"), _n.id).where(_n.qos_policy_id == _policy),
        sa.select(sa.literal("port"), _p.id).where(_p.qos_policy_id == _policy),
        sa.select(sa.literal("floatingip"), _f.id).where(_f.qos_policy_id == _policy),
    ).limit(1)
)
_with = sa.select(_n.id).where(_n.qos_policy_id == _policy)
PORTS_WITH = statement(
    sa.select(_p.host_id, _p.id)
    .where(
        _p.host_id.is_not(None),
        sa.or_(
            _p.qos_policy_id == _policy,
            sa.and_(_p.qos_policy_id.is_(None), _p.network_id.in_(_with)),
        ),
    )
    .order_by(_p.host_id, _p.id)
)
"""(host, port) of all that follow a policy, by themselves or by their network."""
ROUTERS_WITH = statement(
    sa.select(_f.router_id)
    .distinct()
    .where(_f.qos_policy_id == _policy, _f.router_id.is_not(None))
    .order_by(_f.router_id)
)
