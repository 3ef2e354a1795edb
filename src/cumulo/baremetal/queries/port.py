"""Queries of ports."""

import sqlalchemy as sa

from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.port import PortRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_c = columns(PortRow)
_n = columns(NodeRow)


def _of_owner(name: str) -> "sa.ColumnElement[bool]":
    owned = sa.select(_n.id).where(_n.owner == sa.bindparam(name))
    found: sa.ColumnElement[bool] = _c.node_id.in_(owned)
    return found


PORTS = Listing(
    PortRow,
    filters={"address": equals(_c.address), "node_id": equals(_c.node_id), "owner": _of_owner},
    sort_keys={
        name: _c[name]
        for name in (
            "id", "address", "pxe_enabled", "physical_network", "created_at", "updated_at",
        )
    },
    default_sort=(("created_at", "asc"),),
)  # fmt: skip
WITH_ADDRESS = query(
    PortRow, sa.select(PortRow.sql_table).where(_c.address == sa.bindparam("address"))
)
COUNT_OF = statement(
    sa.select(sa.func.count())
    .select_from(PortRow.sql_table)
    .where(_c.node_id == sa.bindparam("node_id"))
)
