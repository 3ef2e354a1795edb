"""Images that were written over a volume's first content."""

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0004"
down_revision = "block_storage_0003"


def upgrade() -> None:
    op.add_column(
        "volumes",
        sa.Column("content", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
