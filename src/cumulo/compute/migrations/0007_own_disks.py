"""Ephemeral disks and swap as they were asked for; which root disk a host has."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0007"
down_revision = "compute_0006"


def upgrade() -> None:
    op.add_column(
        "servers",
        sa.Column("ephemerals", sa.Text(), nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column("servers", sa.Column("swap_mb", sa.BigInteger(), nullable=True))
    op.add_column("servers", sa.Column("root_made", sa.BigInteger(), nullable=True))
