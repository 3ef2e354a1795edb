"""Queries of ports."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Condition, contains
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import COMPUTE, DHCP, PortGroupRow, PortRow
from cumulo.network.model.security_group import SecurityGroupRow, SecurityGroupRuleRow
from cumulo.network.model.subnet import AllocationRow
from cumulo.network.queries.lists import NounListing, parameter

_t = PortRow.sql_table
_c, _n, _a = columns(PortRow), columns(NetworkRow), columns(AllocationRow)
_g, _r = columns(PortGroupRow), columns(SecurityGroupRuleRow)


def _visible(name: str) -> sa.ColumnElement[bool]:
    own: Any = _c.project_id == sa.bindparam(name)
    of_own_network = sa.select(_n.id).where(_n.project_id == sa.bindparam(name))
    return sa.or_(own, _c.network_id.in_(of_own_network))


def _by_address(column: Any) -> Condition:
    return lambda name: _c.id.in_(sa.select(_a.port_id).where(column.in_(parameter(name))))


def _by_part_of_address(name: str) -> Any:
    part = contains(_a.ip_address)(name)
    return _c.id.in_(sa.select(_a.port_id).where(part))


def _by_group(name: str) -> Any:
    return _c.id.in_(sa.select(_g.port_id).where(_g.group_id.in_(parameter(name))))


PORTS = NounListing(
    PortRow,
    api_names={"host_id": "binding:host_id", "vnic_type": "binding:vnic_type"},
    json=("profile", "allowed_address_pairs", "extra_dhcp_opts"),
    more={
        "fixed_ips_ip_address": _by_address(_a.ip_address),
        "fixed_ips_subnet_id": _by_address(_a.subnet_id),
        "fixed_ips_ip_address_substr": _by_part_of_address,
        "security_groups": _by_group,
    },
    visible=_visible,
)
BY_IDS = query(PortRow, sa.select(_t).where(_c.id.in_(parameter("ids"))))
OF_NETWORK = query(
    PortRow,
    sa.select(_t).where(_c.network_id == sa.bindparam("network_id")).order_by(_c.number),
)
OF_HOLDERS = query(
    PortRow, sa.select(_t).where(_c.holder.in_(parameter("ids"))).order_by(_c.number)
)
BY_MAC = query(
    PortRow,
    sa.select(_t).where(
        _c.network_id == sa.bindparam("network_id"), _c.mac_address == sa.bindparam("mac")
    ),
)
HOSTS_OF_NETWORK = statement(
    sa.select(_c.host_id)
    .distinct()
    .where(_c.network_id == sa.bindparam("network_id"), _c.host_id.is_not(None))
)


def _servers_where(condition: Any) -> Any:
    wanted = sa.select(_c.holder).where(_c.role == COMPUTE, _c.holder.is_not(None), condition)
    return statement(wanted.limit(sa.bindparam("most")))


SERVERS_ON = _servers_where(_c.network_id == sa.bindparam("id"))
"""The servers that have ports on a network, once for each port."""
SERVERS_IN = _servers_where(
    _c.id.in_(sa.select(_g.port_id).where(_g.group_id == sa.bindparam("id")))
)
"""The same for a security group."""


def _hosts_where(groups: Any) -> Any:
    in_groups = sa.select(_g.port_id).where(_g.group_id.in_(groups))
    wanted = sa.select(_c.host_id).distinct()
    return statement(wanted.where(_c.host_id.is_not(None), _c.id.in_(in_groups)))


HOSTS_IN_GROUPS = _hosts_where(parameter("ids"))
"""Where ports are in these groups."""
HOSTS_NAMING_GROUPS = _hosts_where(
    sa.select(_r.security_group_id).where(_r.remote_group_id.in_(parameter("ids")))
)
"""Where ports are in groups whose rules name these groups: their members matter there."""
UNPLACED_DHCP = query(PortRow, sa.select(_t).where(_c.role == DHCP, _c.host_id.is_(None)))

GROUPS_OF = query(
    PortGroupRow,
    sa.select(PortGroupRow.sql_table)
    .where(_g.port_id.in_(parameter("ids")))
    .order_by(_g.port_id, _g.group_id),
)
MEMBERS = query(
    PortGroupRow,
    sa.select(PortGroupRow.sql_table)
    .where(_g.group_id.in_(parameter("ids")))
    .order_by(_g.group_id, _g.port_id),
)
MEMBER_ADDRESSES = statement(
    sa.select(_g.group_id, _a.ip_address)
    .join_from(PortGroupRow.sql_table, AllocationRow.sql_table, _a.port_id == _g.port_id)
    .where(_g.group_id.in_(parameter("ids")))
    .order_by(_g.group_id, _g.port_id, _a.position)
)
MEMBER_PAIRS = statement(
    sa.select(_g.group_id, _c.allowed_address_pairs)
    .join_from(PortGroupRow.sql_table, _t, _c.id == _g.port_id)
    .where(_g.group_id.in_(parameter("ids")), _c.allowed_address_pairs != "[]")
    .order_by(_g.group_id, _g.port_id)
)
ANY_ON_HOST = statement(
    sa.select(_c.id)
    .where(_c.host_id == sa.bindparam("host_id"), _c.network_id == sa.bindparam("network_id"))
    .limit(1)
)
DHCP_ON_HOST = query(
    PortRow,
    sa.select(_t).where(
        _c.host_id == sa.bindparam("host_id"),
        _c.role == DHCP,
        _c.network_id.in_(parameter("ids")),
    ),
)


def _on_host(group: Any) -> Any:
    """A port of the host is in the group."""
    ports = sa.select(_g.port_id).join_from(PortGroupRow.sql_table, _t, _c.id == _g.port_id)
    return ports.where(_g.group_id == group, _c.host_id == sa.bindparam("host_id")).exists()


GROUPS_ON_HOST = statement(
    sa.select(SecurityGroupRow.sql_table.c.id).where(
        SecurityGroupRow.sql_table.c.id.in_(parameter("ids")),
        _on_host(SecurityGroupRow.sql_table.c.id),
    )
)
"""Those of the groups that a port of the host is in."""
NAMED_ON_HOST = statement(
    sa.select(_r.remote_group_id)
    .distinct()
    .where(_r.remote_group_id.in_(parameter("ids")), _on_host(_r.security_group_id))
)
"""Those of the groups that rules of the host's groups name."""
DROP_GROUPS = statement(sa.delete(PortGroupRow.sql_table).where(_g.port_id == sa.bindparam("port")))
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
