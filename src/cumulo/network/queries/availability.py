"""How many addresses of networks are given out."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.subnet import AllocationRow, SubnetRow
from cumulo.network.queries.lists import NounListing, parameter

_n, _s, _a = columns(NetworkRow), columns(SubnetRow), columns(AllocationRow)
_OTHER = tuple(
    column.name
    for column in NetworkRow.sql_table.columns
    if column.name not in ("id", "name", "project_id", "tags")
)

AVAILABILITIES = NounListing(
    NetworkRow,
    api_names={"id": "network_id", "name": "network_name"},
    json=_OTHER,
    more={
        "ip_version": lambda name: _n.id.in_(
            sa.select(_s.network_id).where(_s.ip_version.in_(parameter(name)))
        )
    },
)
USED = statement(
    sa.select(_a.subnet_id, sa.func.count())
    .where(_a.network_id.in_(parameter("ids")))
    .group_by(_a.subnet_id)
)
