"""Queries of transfers."""

import sqlalchemy as sa

from cumulo.block_storage.model.transfer import TransferRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement

_t, _c = TransferRow.sql_table, columns(TransferRow)

TRANSFERS = Listing(
    TransferRow,
    filters={
        "project_id": equals(_c.project_id),
        "id": equals(_c.id),
        "name": equals(_c.name),
        "volume_id": equals(_c.volume_id),
    },
    sort_keys={"id": _c.id, "created_at": _c.created_at, "name": _c.name},
)
DROP = statement(sa.delete(_t).where(_c.volume_id == sa.bindparam("volume")))
