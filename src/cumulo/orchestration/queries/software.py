"""Queries of software configurations and deployments."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.orchestration.model.software import ConfigRow, DeploymentRow

_c, _d = columns(ConfigRow), columns(DeploymentRow)

CONFIGS = Listing(
    ConfigRow,
    filters={"project_id": equals(_c.project_id)},
    sort_keys={"created_at": _c.created_at, "id": _c.id},
)
DEPLOYMENTS = Listing(
    DeploymentRow,
    filters={"project_id": equals(_d.project_id), "server_id": equals(_d.server_id)},
    sort_keys={"created_at": _d.created_at, "id": _d.id},
)
OF_SERVER = query(
    DeploymentRow,
    sa.select(DeploymentRow.sql_table)
    .where(_d.project_id == sa.bindparam("project"), _d.server_id == sa.bindparam("server"))
    .order_by(_d.created_at, _d.id),
)
USED = statement(sa.select(sa.func.count()).where(_d.config_id == sa.bindparam("config")))
LETTERS_OF_SERVER = statement(
    sa.select(
        sa.func.coalesce(sa.func.sum(sa.func.length(_c.config) + sa.func.length(_c.inputs)), 0)
    )
    .select_from(ConfigRow.sql_table)
    .join(DeploymentRow.sql_table, _d.config_id == _c.id)
    .where(_d.project_id == sa.bindparam("project"), _d.server_id == sa.bindparam("server"))
)
COUNT_OF_SERVER = statement(
    sa.select(sa.func.count()).where(
        _d.project_id == sa.bindparam("project"), _d.server_id == sa.bindparam("server")
    )
)
