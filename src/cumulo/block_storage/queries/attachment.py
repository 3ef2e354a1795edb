"""Queries of attachments."""

import sqlalchemy as sa

from cumulo.block_storage.model.attachment import AttachmentRow
from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query

_t, _c = AttachmentRow.sql_table, columns(AttachmentRow)

ATTACHMENTS = Listing(
    AttachmentRow,
    filters={
        "project_id": equals(_c.project_id),
        "volume_id": equals(_c.volume_id),
        "instance_id": equals(_c.server_id),
        "status": equals(_c.state),
        "id": equals(_c.id),
    },
    sort_keys={"created_at": _c.created_at, "id": _c.id},
)
OF_VOLUMES = query(
    AttachmentRow,
    sa.select(_t)
    .where(_c.volume_id.in_(sa.bindparam("volumes", expanding=True)))
    .order_by(_c.created_at, _c.id),
)
OF_SERVERS = query(
    AttachmentRow,
    sa.select(_t)
    .where(_c.server_id.in_(sa.bindparam("servers", expanding=True)))
    .order_by(_c.device, _c.id),
)
