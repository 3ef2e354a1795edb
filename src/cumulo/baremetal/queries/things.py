"""Lists of the simple nouns."""

import sqlalchemy as sa

from cumulo.baremetal.model.allocation import AllocationRow
from cumulo.baremetal.model.chassis import ChassisRow
from cumulo.baremetal.model.history import HistoryRow
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.portgroup import PortgroupRow
from cumulo.baremetal.model.rule import RuleRow
from cumulo.baremetal.model.template import RunbookRow, TemplateRow
from cumulo.baremetal.model.volume import ConnectorRow, TargetRow
from cumulo.core.db.listing import Listing, Sort, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

OLDEST: Sort = (("created_at", "asc"),)
_a, _c, _g, _t = (columns(r) for r in (AllocationRow, ChassisRow, PortgroupRow, TemplateRow))
_vc, _vt, _b, _r, _h = (
    columns(r) for r in (ConnectorRow, TargetRow, RunbookRow, RuleRow, HistoryRow)
)
_n = columns(NodeRow)


def _sorted(c: "sa.ColumnCollection[str, sa.Column[object]]", *names: str) -> dict[str, object]:
    return {name: c[name] for name in ("id", "created_at", "updated_at", *names)}


CHASSIS = Listing(ChassisRow, filters={}, sort_keys=_sorted(_c, "description"), default_sort=OLDEST)


def _seen_by(name: str) -> "sa.ColumnElement[bool]":
    """Of nodes that this project owns or has lent."""
    mine = sa.select(_n.id).where(
        (_n.owner == sa.bindparam(name)) | (_n.lessee == sa.bindparam(name))
    )
    found: sa.ColumnElement[bool] = _g.node_id.in_(mine)
    return found


PORTGROUPS = Listing(
    PortgroupRow,
    filters={
        "address": equals(_g.address),
        "name": equals(_g.name),
        "node_id": equals(_g.node_id),
        "project": _seen_by,
    },
    sort_keys=_sorted(_g, "name", "address", "mode", "standalone_ports_supported"),
    default_sort=OLDEST,
)
CONNECTORS = Listing(
    ConnectorRow,
    filters={
        "node_id": equals(_vc.node_id),
        "type": equals(_vc.type),
        "connector_id": equals(_vc.connector_id),
    },
    sort_keys=_sorted(_vc, "type", "connector_id"),
    default_sort=OLDEST,
)
TARGETS = Listing(
    TargetRow,
    filters={"node_id": equals(_vt.node_id), "boot_index": equals(_vt.boot_index)},
    sort_keys=_sorted(_vt, "volume_type", "volume_id", "boot_index"),
    default_sort=OLDEST,
)
ALLOCATIONS = Listing(
    AllocationRow,
    filters={
        "name": equals(_a.name),
        "node_id": equals(_a.node_id),
        "resource_class": equals(_a.resource_class),
        "state": equals(_a.state),
        "owner": equals(_a.owner),
    },
    sort_keys=_sorted(_a, "name", "resource_class", "state", "last_error", "owner"),
    default_sort=OLDEST,
)
TEMPLATES = Listing(
    TemplateRow, filters={"name": equals(_t.name)}, sort_keys=_sorted(_t, "name"),
    default_sort=OLDEST,
)  # fmt: skip


def _usable_by(name: str) -> "sa.ColumnElement[bool]":
    found: sa.ColumnElement[bool] = (_b.owner == sa.bindparam(name)) | _b.public.is_(True)
    return found


RUNBOOKS = Listing(
    RunbookRow,
    filters={"name": equals(_b.name), "owner": equals(_b.owner), "project": _usable_by},
    sort_keys=_sorted(_b, "name", "owner", "public"),
    default_sort=OLDEST,
)
RULES = Listing(
    RuleRow,
    filters={"phase": equals(_r.phase)},
    sort_keys=_sorted(_r, "priority", "phase", "sensitive", "description"),
    default_sort=(("priority", "desc"),),
)
HISTORY = Listing(
    HistoryRow,
    filters={"node_id": equals(_h.node_id)},
    sort_keys={"id": _h.id, "created_at": _h.created_at},
    default_sort=(("created_at", "desc"),),
)
OLD_HISTORY = query(
    HistoryRow,
    sa.select(HistoryRow.sql_table)
    .where(_h.node_id == sa.bindparam("node_id"))
    .order_by(_h.created_at.desc(), _h.id.desc())
    .offset(sa.bindparam("kept", type_=sa.Integer()))
    .limit(100),
)
NODES_IN = statement(
    sa.select(sa.func.count()).select_from(NodeRow.sql_table).where(
        _n.chassis_id == sa.bindparam("chassis_id")
    )
)  # fmt: skip
SHARDS = statement(
    sa.select(_n.shard, sa.func.count()).group_by(_n.shard).order_by(_n.shard).limit(1000)
)
CANDIDATES = query(
    NodeRow,
    sa.select(NodeRow.sql_table)
    .where(
        _n.resource_class == sa.bindparam("resource_class"),
        _n.provision_state == "available",
        _n.instance_uuid.is_(None),
        _n.maintenance.is_(False),
        _n.retired.is_(False),
        _n.power_state.is_not(None),
    )
    .order_by(_n.created_at, _n.id)
    .limit(1000),
)
ALLOCATION_OF = query(
    AllocationRow,
    sa.select(AllocationRow.sql_table).where(_a.node_id == sa.bindparam("node_id")),
)
