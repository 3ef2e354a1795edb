"""A backup keeps the metadata of its volume, for the one that it is restored to."""

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0010"
down_revision = "block_storage_0009"


def upgrade() -> None:
    op.add_column(
        "volume_backups",
        sa.Column("volume_metadata", sa.Text(), nullable=False, server_default="{}"),
    )
