"""Queries of projects."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, is_null, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.credential import CredentialRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.user import UserRow

_c, _u, _k = columns(ProjectRow), columns(UserRow), columns(CredentialRow)

BY_NAME = query(
    ProjectRow,
    sa.select(ProjectRow.sql_table).where(
        _c.domain_id == sa.bindparam("domain_id"), _c.name == sa.bindparam("name")
    ),
)
CHILDREN = statement(sa.select(sa.func.count()).where(_c.parent_id == sa.bindparam("parent_id")))
PROJECTS = Listing(
    ProjectRow,
    filters={
        "name": equals(_c.name),
        "domain_id": equals(_c.domain_id),
        "enabled": equals(_c.enabled),
        "parent_id": equals(_c.parent_id),
        "ids": one_of(_c.id),
        "top": is_null(_c.parent_id),
    },
    sort_keys={"name": _c.name},
    default_sort=(("name", "asc"),),
)
SUBTREE_STEP = query(
    ProjectRow,
    sa.select(ProjectRow.sql_table)
    .where(_c.parent_id.in_(sa.bindparam("parent_ids", expanding=True)))
    .order_by(_c.name, _c.id),
)
IDS_OF_DOMAINS = statement(
    sa.select(_c.id).where(_c.domain_id.in_(sa.bindparam("domain_ids", expanding=True)))
)
FORGET_DEFAULT = statement(
    sa.update(UserRow.sql_table)
    .where(_u.default_project_id == sa.bindparam("project"))
    .values(default_project_id=sa.null())
)
DROP_CREDENTIALS = statement(
    sa.delete(CredentialRow.sql_table).where(_k.project_id == sa.bindparam("project"))
)
