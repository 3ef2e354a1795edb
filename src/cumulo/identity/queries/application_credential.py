"""Queries of application credentials and access rules."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.application_credential import AccessRuleRow, ApplicationCredentialRow

_c, _r = columns(ApplicationCredentialRow), columns(AccessRuleRow)

CREDENTIALS = Listing(
    ApplicationCredentialRow,
    filters={
        "user_id": equals(_c.user_id),
        "project_id": equals(_c.project_id),
        "name": equals(_c.name),
    },
    sort_keys={"name": _c.name},
    default_sort=(("name", "asc"),),
)
BY_NAME = query(
    ApplicationCredentialRow,
    sa.select(ApplicationCredentialRow.sql_table).where(
        _c.user_id == sa.bindparam("user_id"), _c.name == sa.bindparam("name")
    ),
)
COUNT = statement(sa.select(sa.func.count()).where(_c.user_id == sa.bindparam("user_id")))
DROP_OF_USER = statement(
    sa.delete(ApplicationCredentialRow.sql_table).where(_c.user_id == sa.bindparam("user"))
)
DROP_OF_USER_ON = statement(
    sa.delete(ApplicationCredentialRow.sql_table).where(
        _c.user_id == sa.bindparam("user"), _c.project_id == sa.bindparam("project")
    )
)
RULES = Listing(
    AccessRuleRow,
    filters={
        "ids": one_of(_r.id),
        "user_id": equals(_r.user_id),
        "service": equals(_r.service),
        "method": equals(_r.method),
        "path": equals(_r.path),
    },
    sort_keys={"service": _r.service},
    default_sort=(("service", "asc"),),
)
