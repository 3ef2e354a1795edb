"""What a resource is to become is told apart from what it is."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0003"
down_revision = "orchestration_0002"


def upgrade() -> None:
    op.add_column(
        "orchestration_resources",
        sa.Column("wanted", sa.Text(), autoincrement=False, nullable=False, server_default=""),
    )
