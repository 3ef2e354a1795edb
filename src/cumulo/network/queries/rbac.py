"""Queries of RBAC policies, and of what they make visible."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Condition
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import ROUTER_GATEWAY, PortGroupRow, PortRow
from cumulo.network.model.rbac import EVERYBODY, EXTERNAL, SHARED, RbacPolicyRow
from cumulo.network.model.router import RouterRow
from cumulo.network.model.security_group import SecurityGroupRuleRow
from cumulo.network.model.subnet import SubnetRow
from cumulo.network.model.subnetpool import SubnetPoolRow
from cumulo.network.queries.lists import NounListing, parameter

_t = RbacPolicyRow.sql_table
_c, _p, _g = columns(RbacPolicyRow), columns(PortRow), columns(PortGroupRow)
_r, _f = columns(RouterRow), columns(FloatingIpRow)
_u = columns(SecurityGroupRuleRow)
_o, _s = columns(SubnetPoolRow), columns(SubnetRow)

POLICIES = NounListing(RbacPolicyRow, api_names={"target": "target_tenant"}, json=("counted",))
OF_OBJECT = query(
    RbacPolicyRow, sa.select(_t).where(_c.object_id == sa.bindparam("id")).order_by(_c.id)
)
DROP_OF = statement(sa.delete(_t).where(_c.object_id == sa.bindparam("id")))
AMONG = statement(
    sa.select(_c.object_id)
    .distinct()
    .where(
        _c.object_id.in_(parameter("ids")),
        _c.action == sa.bindparam("action"),
        _c.target.in_((sa.bindparam("project"), EVERYBODY)),
    )
)
"""Those of the objects that a project may use by a policy."""


def shared_to(object_type: str, name: str, *actions: str) -> Any:
    """The ids of what is shared to the project that the parameter names."""
    return sa.select(_c.object_id).where(
        _c.object_type == object_type,
        _c.action.in_(actions or (SHARED,)),
        _c.target.in_((sa.bindparam(name), EVERYBODY)),
    )


def own_or_shared(object_type: str, id_column: Any, owner: Any, *actions: str) -> Condition:
    """What a project sees: its own, and what others share to it."""

    def visible(name: str) -> sa.ColumnElement[bool]:
        own: Any = owner == sa.bindparam(name)
        return sa.or_(own, id_column.in_(shared_to(object_type, name, *actions)))

    return visible


def sharing(object_type: str, id_column: Any) -> dict[str, Condition]:
    """The filter `shared`, which is a question about the caller."""
    return {
        "shared_to": lambda name: id_column.in_(shared_to(object_type, name)),
        "not_shared_to": lambda name: id_column.not_in(shared_to(object_type, name)),
    }


_id: Any = sa.bindparam("id")
PORT_OWNERS = statement(sa.select(_p.project_id).distinct().where(_p.network_id == _id))
_routers = sa.select(_p.holder).where(_p.network_id == _id, _p.role == ROUTER_GATEWAY)
OUTSIDE_USERS = statement(
    sa.union(
        sa.select(_r.project_id).where(_r.id.in_(_routers)),
        sa.select(_f.project_id).where(_f.floating_network_id == _id),
    )
)
_in_group = sa.select(_g.port_id).where(_g.group_id == _id)
GROUP_USERS = statement(sa.select(_p.project_id).distinct().where(_p.id.in_(_in_group)))
SCOPE_USERS = statement(sa.select(_o.project_id).distinct().where(_o.address_scope_id == _id))
POOL_USERS = statement(sa.select(_s.project_id).distinct().where(_s.subnetpool_id == _id))
RULE_OWNERS = statement(
    sa.select(_u.project_id).distinct().where(_u.remote_address_group_id == _id)
)
QOS_USERS = statement(
    sa.union(
        *(
            sa.select(each.project_id).where(each.qos_policy_id == _id)
            for each in (columns(NetworkRow), _p, _f)
        )
    )
)

USERS = {
    ("network", SHARED): PORT_OWNERS,
    ("network", EXTERNAL): OUTSIDE_USERS,
    ("security_group", SHARED): GROUP_USERS,
    ("address_scope", SHARED): SCOPE_USERS,
    ("subnetpool", SHARED): POOL_USERS,
    ("address_group", SHARED): RULE_OWNERS,
    ("qos_policy", SHARED): QOS_USERS,
}
"""The projects that use a thing which is shared so, its owner's too."""
