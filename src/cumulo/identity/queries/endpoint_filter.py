"""Queries of endpoint groups and of what projects see."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query
from cumulo.identity.model.catalog import EndpointRow
from cumulo.identity.model.endpoint_filter import (
    EndpointGroupRow,
    ProjectEndpointGroupRow,
    ProjectEndpointRow,
)
from cumulo.identity.model.project import ProjectRow

_g, _e, _p = columns(EndpointGroupRow), columns(EndpointRow), columns(ProjectRow)
_pe, _pg = columns(ProjectEndpointRow), columns(ProjectEndpointGroupRow)

GROUPS = Listing(
    EndpointGroupRow,
    filters={"name": equals(_g.name)},
    sort_keys={"name": _g.name},
    default_sort=(("name", "asc"),),
)
ENDPOINTS_OF_PROJECT = query(
    EndpointRow,
    sa.select(EndpointRow.sql_table)
    .join(ProjectEndpointRow.sql_table, _pe.endpoint_id == _e.id)
    .where(_pe.project_id == sa.bindparam("project_id"))
    .order_by(_e.id),
)
PROJECTS_OF_ENDPOINT = query(
    ProjectRow,
    sa.select(ProjectRow.sql_table)
    .join(ProjectEndpointRow.sql_table, _pe.project_id == _p.id)
    .where(_pe.endpoint_id == sa.bindparam("endpoint_id"))
    .order_by(_p.name, _p.id),
)
GROUPS_OF_PROJECT = query(
    EndpointGroupRow,
    sa.select(EndpointGroupRow.sql_table)
    .join(ProjectEndpointGroupRow.sql_table, _pg.group_id == _g.id)
    .where(_pg.project_id == sa.bindparam("project_id"))
    .order_by(_g.name, _g.id),
)
PROJECTS_OF_GROUP = query(
    ProjectRow,
    sa.select(ProjectRow.sql_table)
    .join(ProjectEndpointGroupRow.sql_table, _pg.project_id == _p.id)
    .where(_pg.group_id == sa.bindparam("group_id"))
    .order_by(_p.name, _p.id),
)
