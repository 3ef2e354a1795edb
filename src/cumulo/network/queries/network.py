"""Queries of networks."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.rbac import EXTERNAL, SHARED
from cumulo.network.queries.lists import NounListing, parameter
from cumulo.network.queries.rbac import own_or_shared, sharing

_t = NetworkRow.sql_table
_c = columns(NetworkRow)


NETWORKS = NounListing(
    NetworkRow,
    api_names={
        "external": "router:external",
        "network_type": "provider:network_type",
        "physical_network": "provider:physical_network",
        "segmentation_id": "provider:segmentation_id",
    },
    json=("availability_zone_hints", "shared"),
    more=sharing("network", _c.id),
    visible=own_or_shared("network", _c.id, _c.project_id, SHARED, EXTERNAL),
)
BY_IDS = query(NetworkRow, sa.select(_t).where(_c.id.in_(parameter("ids"))).order_by(_c.number))
OWN_OR_SHARED = query(
    NetworkRow,
    sa.select(_t)
    .where(
        own_or_shared("network", _c.id, _c.project_id)("project_id"),
        _c.external.is_(False),
        _c.admin_state_up.is_(True),
    )
    .order_by(_c.number),
)
OF_PROJECTS = statement(
    sa.select(_c.id)
    .where(_c.project_id.in_(sa.bindparam("projects", expanding=True)), sa.not_(_c.external))
    .order_by(_c.id)
    .limit(1000)
)
DEFAULT_EXTERNAL = query(
    NetworkRow,
    sa.select(_t)
    .where(_c.external.is_(True), _c.is_default.is_(True))
    .order_by(_c.number)
    .limit(1),
)
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
