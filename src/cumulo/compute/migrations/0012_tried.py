"""Hosts that could not make a new server."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0012"
down_revision = "compute_0011"


def upgrade() -> None:
    op.add_column(
        "servers", sa.Column("tried", sa.Text(), nullable=False, server_default=sa.text("'[]'"))
    )
