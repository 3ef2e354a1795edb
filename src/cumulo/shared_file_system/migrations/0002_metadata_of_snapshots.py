"""Snapshots have metadata."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0002"
down_revision = "shared_file_system_0001"
branch_labels = None


def upgrade() -> None:
    op.add_column("share_snapshots", sa.Column("metadata", sa.Text(), nullable=True))
    op.execute("UPDATE share_snapshots SET metadata = '{}'")
    with op.batch_alter_table("share_snapshots") as table:
        table.alter_column("metadata", nullable=False, existing_type=sa.Text())
