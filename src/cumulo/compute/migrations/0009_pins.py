"""Processors of hosts that servers have for themselves."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0009"
down_revision = "compute_0008"


def upgrade() -> None:
    op.add_column(
        "servers", sa.Column("pins", sa.Text(), nullable=False, server_default=sa.text("'[]'"))
    )
