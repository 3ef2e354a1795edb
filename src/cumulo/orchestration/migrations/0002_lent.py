"""What the right to work at a stack was lent by."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0002"
down_revision = "orchestration_0001"


def upgrade() -> None:
    op.add_column(
        "orchestration_stacks",
        sa.Column("lent", sa.Text(), autoincrement=False, nullable=False, server_default="{}"),
    )
