"""Queries of hosts, of the items on them, and of what nobody knows."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.events.model import EventRow
from cumulo.core.hosts.model import (
    CloudRow,
    HostRow,
    ItemRow,
    MachineRow,
    PartRow,
    TokenRow,
    UnknownRow,
)

_h, _p, _i, _u = columns(HostRow), columns(PartRow), columns(ItemRow), columns(UnknownRow)
CLOUD = query(CloudRow, sa.select(CloudRow.sql_table))
CLOUD_ID = statement(sa.select(columns(CloudRow).id))
ALL = query(HostRow, sa.select(HostRow.sql_table).order_by(_h.id))
GET = query(HostRow, sa.select(HostRow.sql_table).where(_h.id == sa.bindparam("id")))
BY_IDS = query(
    HostRow, sa.select(HostRow.sql_table).where(_h.id.in_(sa.bindparam("ids", expanding=True)))
)


def is_alive(host: sa.ColumnElement[str], since: str) -> sa.ColumnElement[bool]:
    """For other services' queries: the host of this name may be given work, and was heard of since
    the moment that the parameter `since` names."""
    found = sa.select(_h.id).where(
        _h.id == host, _h.enabled.is_(True), _h.last_seen >= sa.bindparam(since)
    )
    return found.exists()


SEEN = statement(
    sa.update(HostRow.sql_table)
    .where(_h.id == sa.bindparam("key"))
    .values(last_seen=sa.bindparam("seen"), roles=sa.bindparam("kinds"))
)
BEHIND = statement(
    sa.select(_p.host_id, _p.kind)
    .join_from(PartRow.sql_table, HostRow.sql_table, _p.host_id == _h.id)
    .where(_h.node_id == sa.bindparam("node"), _p.generation > _p.applied)
)
"""Hosts of a control node that have not said that they have got all there is, and of which kind."""
HERE = statement(
    sa.update(HostRow.sql_table)
    .where(_h.id == sa.bindparam("key"))
    .values(node_id=sa.bindparam("node"))
)
ENABLE = statement(
    sa.update(HostRow.sql_table)
    .where(_h.id == sa.bindparam("key"))
    .values(enabled=sa.bindparam("wanted"))
)
GROW_EPOCHS = statement(sa.update(HostRow.sql_table).values(epoch=_h.epoch + 1))
PART = query(
    PartRow,
    sa.select(PartRow.sql_table).where(
        _p.host_id == sa.bindparam("h"), _p.kind == sa.bindparam("k")
    ),
)
PARTS_OF = query(
    PartRow,
    sa.select(PartRow.sql_table).where(_p.host_id.in_(sa.bindparam("ids", expanding=True))),
)
GROW = statement(
    sa.update(PartRow.sql_table)
    .where(_p.host_id.in_(sa.bindparam("hosts", expanding=True)), _p.kind == sa.bindparam("k"))
    .values(generation=_p.generation + 1)
    .returning(_p.host_id, _p.generation)
)
APPLIED = statement(
    sa.update(PartRow.sql_table)
    .where(
        _p.host_id == sa.bindparam("h"),
        _p.kind == sa.bindparam("k"),
        _p.applied <= sa.bindparam("g"),
    )
    .values(applied=sa.bindparam("g"), fault=sa.bindparam("why"))
)

_of_kind = sa.and_(_i.host_id == sa.bindparam("h"), _i.kind == sa.bindparam("k"))
SET_ITEM = statement(
    # The version is what the host's part has just grown to.
    sa.text(
        "INSERT INTO host_items (host_id, kind, id, version, gone)"
        " SELECT host_id, kind, CAST(:i AS TEXT), generation, CAST(:g AS BOOLEAN) FROM host_parts"
        " WHERE host_id IN :hosts AND kind = :k"
        " ON CONFLICT (host_id, kind, id)"
        " DO UPDATE SET version = excluded.version, gone = excluded.gone"
    ).bindparams(sa.bindparam("hosts", expanding=True))
)
ITEMS_SINCE = query(
    ItemRow,
    sa.select(ItemRow.sql_table)
    .where(_of_kind, _i.version > sa.bindparam("since"))
    .order_by(_i.version, _i.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
ITEMS_AT = query(
    ItemRow,
    sa.select(ItemRow.sql_table)
    .where(_of_kind, _i.version == sa.bindparam("version"))
    .order_by(_i.id),
)
ITEMS_BY_ID = query(
    ItemRow,
    sa.select(ItemRow.sql_table).where(_of_kind, _i.id.in_(sa.bindparam("ids", expanding=True))),
)
NEWEST_EVENT = query(
    EventRow, sa.select(EventRow.sql_table).order_by(columns(EventRow).sequence.desc()).limit(1)
)
OLDEST_EVENT = query(
    EventRow, sa.select(EventRow.sql_table).order_by(columns(EventRow).sequence).limit(1)
)
LEAVING = query(
    ItemRow,
    sa.select(ItemRow.sql_table)
    .where(_i.host_id == sa.bindparam("h"), _i.gone.is_(True))
    .order_by(_i.kind, _i.id),
)
HAS = statement(
    sa.select(_i.id)
    .distinct()
    .where(_i.host_id == sa.bindparam("h"), _i.id.in_(sa.bindparam("ids", expanding=True)))
)
VERSIONS = statement(sa.select(_i.id, _i.version).where(_of_kind).order_by(_i.id))

UNKNOWN = query(
    UnknownRow,
    sa.select(UnknownRow.sql_table)
    .order_by(_u.host_id, _u.kind, _u.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
UNKNOWN_COUNTS = statement(
    sa.select(_u.host_id, _u.kind, sa.func.count())
    .group_by(_u.host_id, _u.kind)
    .order_by(_u.host_id, _u.kind)
)
UNKNOWN_ON = query(
    UnknownRow,
    sa.select(UnknownRow.sql_table).where(
        _u.host_id == sa.bindparam("h"), _u.kind == sa.bindparam("k")
    ),
)

_m, _t = columns(MachineRow), columns(TokenRow)
_most = sa.bindparam("most", type_=sa.Integer())
MACHINES = query(MachineRow, sa.select(MachineRow.sql_table).order_by(_m.host_id).limit(_most))
ANY_MACHINE = statement(sa.select(_m.host_id).limit(1))
TOKENS = query(TokenRow, sa.select(TokenRow.sql_table).order_by(_t.id).limit(_most))
DROP_TOKENS = statement(sa.delete(TokenRow.sql_table).where(_t.expires_at < sa.bindparam("before")))
ITEM_COUNTS = statement(
    sa.select(_i.kind, sa.func.count())
    .where(_i.host_id == sa.bindparam("h"), _i.gone.is_(False))
    .group_by(_i.kind)
    .order_by(_i.kind)
)
