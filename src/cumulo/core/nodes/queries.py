"""Queries of control nodes, their leases and what they share."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.nodes.model import LeaseRow, NodeRow, NodeTokenRow, SecretRow


class _Now(sa.ColumnElement[float]):
    """The database's clock, in seconds since 1970."""

    inherit_cache = True
    type = sa.Double()


@compiles(_Now)
@compiles(_Now, "sqlite")
def _(element: Any, compiler: Any, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(_Now, "postgresql")
def _(element: Any, compiler: Any, **kw: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


_n, _l, _s, _t = (columns(each) for each in (NodeRow, LeaseRow, SecretRow, NodeTokenRow))
NOW = statement(sa.select(_Now()))
_here = _n.removed == sa.false()
NODES = query(NodeRow, sa.select(NodeRow.sql_table).where(_here).order_by(_n.name, _n.id))
NAMED = query(NodeRow, sa.select(NodeRow.sql_table).where(_n.name == sa.bindparam("name"), _here))
LEASES = query(LeaseRow, sa.select(LeaseRow.sql_table).order_by(_l.name))
LEASES_OF = statement(sa.delete(LeaseRow.sql_table).where(_l.node_id == sa.bindparam("node")))
SECRETS = query(SecretRow, sa.select(SecretRow.sql_table).order_by(_s.name))
TOKENS = query(NodeTokenRow, sa.select(NodeTokenRow.sql_table).limit(sa.bindparam("most")))
DROP_TOKENS = statement(
    sa.delete(NodeTokenRow.sql_table).where(_t.expires_at < sa.bindparam("before"))
)
