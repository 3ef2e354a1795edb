"""Queries of ports."""

import sqlalchemy as sa

from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.port import PortRow
from cumulo.baremetal.model.portgroup import PortgroupRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query

_c = columns(PortRow)
_n = columns(NodeRow)


def _of_project(name: str) -> "sa.ColumnElement[bool]":
    """Of nodes that this project owns or has lent."""
    owned = sa.select(_n.id).where(
        (_n.owner == sa.bindparam(name)) | (_n.lessee == sa.bindparam(name))
    )
    found: sa.ColumnElement[bool] = _c.node_id.in_(owned)
    return found


def _of_shard(name: str) -> "sa.ColumnElement[bool]":
    inside = sa.select(_n.id).where(_n.shard.in_(sa.bindparam(name, expanding=True)))
    found: sa.ColumnElement[bool] = _c.node_id.in_(inside)
    return found


PORTS = Listing(
    PortRow,
    filters={
        "address": equals(_c.address),
        "node_id": equals(_c.node_id),
        "portgroup_id": equals(_c.portgroup_id),
        "name": equals(_c.name),
        "project": _of_project,
        "shard": _of_shard,
    },
    sort_keys={
        name: _c[name]
        for name in (
            "id", "address", "pxe_enabled", "physical_network", "created_at", "updated_at", "name",
            "is_smartnic", "description", "vendor", "category",
        )
    },
    default_sort=(("created_at", "asc"),),
)  # fmt: skip
WITH_ADDRESS = query(
    PortRow, sa.select(PortRow.sql_table).where(_c.address == sa.bindparam("address"))
)
OF_NODE = query(
    PortRow,
    sa.select(PortRow.sql_table)
    .where(_c.node_id == sa.bindparam("node_id"))
    .order_by(_c.created_at, _c.id),
)
_g = columns(PortgroupRow)
GROUPS_OF_NODE = query(
    PortgroupRow,
    sa.select(PortgroupRow.sql_table).where(_g.node_id == sa.bindparam("node_id")).order_by(_g.id),
)
