"""Deleted stacks are forgotten when their deadline has passed; those of before have none."""

from alembic import op

revision = "orchestration_0004"
down_revision = "orchestration_0003"


def upgrade() -> None:
    op.execute(
        "UPDATE orchestration_stacks SET deadline = deleted_at "
        "WHERE deleted_at IS NOT NULL AND status = 'COMPLETE'"
    )
