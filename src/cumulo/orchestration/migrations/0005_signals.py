"""What resources were told by signals."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0005"
down_revision = "orchestration_0004"


def upgrade() -> None:
    op.create_table(
        "orchestration_signals",
        sa.Column("resource_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("data", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["orchestration_resources.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resource_id", "name"),
    )
