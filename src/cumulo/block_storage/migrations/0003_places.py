"""A volume that is a file is named by its place on its host, not by a path of the machine."""

import json
from pathlib import PurePosixPath

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0003"
down_revision = "block_storage_0002"


def upgrade() -> None:
    connection = op.get_bind()
    volumes = sa.table("volumes", sa.column("id"), sa.column("connection"))
    rows = connection.execute(
        sa.text("SELECT id, connection FROM volumes WHERE connection IS NOT NULL")
    ).fetchall()
    for row in rows:
        known = json.loads(row.connection) or {}
        path = known.pop("path", None)
        if path is not None:
            known["name"] = f"volumes/{PurePosixPath(path).name}"
            connection.execute(
                sa.update(volumes)
                .where(volumes.c.id == row.id)
                .values(connection=json.dumps(known))
            )
