"""Queries of transfers."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, contains, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.shared_file_system.model.transfer import TransferRow

_t, _c = TransferRow.sql_table, columns(TransferRow)

TRANSFERS = Listing(
    TransferRow,
    filters={
        "project_id": equals(_c.project_id),
        "id": equals(_c.id),
        "name": equals(_c.name),
        "name_like": contains(_c.name),
        "resource_id": equals(_c.share_id),
    },
    sort_keys={
        "id": _c.id,
        "created_at": _c.created_at,
        "name": _c.name,
        "expires_at": _c.expires_at,
        "resource_id": _c.share_id,
    },
)
OF = query(TransferRow, sa.select(_t).where(_c.share_id == sa.bindparam("share_id")))
EXPIRED = statement(
    sa.select(_c.id).where(_c.expires_at <= sa.bindparam("now")).limit(sa.bindparam("most"))
)
