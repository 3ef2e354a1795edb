"""Whether what a stack shall be has come true is told apart from how its last action ended."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0008"
down_revision = "orchestration_0007"


def upgrade() -> None:
    op.add_column(
        "orchestration_stacks",
        sa.Column(
            "reached", sa.Boolean(), autoincrement=False, nullable=False, server_default=sa.false()
        ),
    )
    stacks = sa.table(
        "orchestration_stacks",
        sa.column("reached", sa.Boolean()),
        sa.column("status", sa.Text()),
        sa.column("action", sa.Text()),
    )
    op.execute(
        stacks.update()
        .where(stacks.c.status == "COMPLETE", stacks.c.action != "DELETE")
        .values(reached=True)
    )
