"""Snapshots of stacks."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0007"
down_revision = "orchestration_0006"


def upgrade() -> None:
    op.create_table(
        "orchestration_snapshots",
        *(
            sa.Column(name, sa.Text(), autoincrement=False, nullable=False)
            for name in ("id", "stack_id", "name", "status", "status_reason", "data", "created_at")
        ),
        sa.ForeignKeyConstraint(["stack_id"], ["orchestration_stacks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_orchestration_snapshots_stack_id", "orchestration_snapshots", ["stack_id"])
