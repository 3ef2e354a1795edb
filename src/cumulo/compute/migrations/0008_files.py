"""Files that are to be in guests."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0008"
down_revision = "compute_0007"


def upgrade() -> None:
    op.create_table(
        "server_files",
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "number"),
    )
