"""Queries of trunks and their sub-ports."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.port import PortRow
from cumulo.network.model.trunk import SubPortRow, TrunkRow
from cumulo.network.queries.lists import NounListing, parameter

_t, _st = TrunkRow.sql_table, SubPortRow.sql_table
_c, _s, _p = columns(TrunkRow), columns(SubPortRow), columns(PortRow)

TRUNKS = NounListing(TrunkRow)
SUBPORTS_OF = query(
    SubPortRow,
    sa.select(_st).where(_s.trunk_id.in_(parameter("ids"))).order_by(_s.position, _s.port_id),
)
_port: Any = sa.bindparam("port_id")
USING = statement(
    sa.union_all(
        sa.select(sa.literal("parent"), _c.id).where(_c.port_id == _port),
        sa.select(sa.literal("subport"), _s.trunk_id).where(_s.port_id == _port),
    )
)
"""(what it is, trunk) of a port that a trunk has."""
DETAILS = statement(
    sa.select(
        _c.port_id,
        _c.id,
        _s.port_id,
        _s.segmentation_type,
        _s.segmentation_id,
        _p.mac_address,
    )
    .select_from(
        _t.outerjoin(_st, _s.trunk_id == _c.id).outerjoin(PortRow.sql_table, _p.id == _s.port_id)
    )
    .where(_c.port_id.in_(parameter("ids")))
    .order_by(_c.port_id, _s.position)
)
"""What ports carry: a line for each sub-port, one with nothing for a trunk without."""
