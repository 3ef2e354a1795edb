"""Resources know their project: projects take turns without a look at all that is to be done."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0010"
down_revision = "orchestration_0009"


def upgrade() -> None:
    op.add_column(
        "orchestration_resources",
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False, server_default=""),
    )
    rows = sa.table(
        "orchestration_resources",
        sa.column("project_id", sa.Text()),
        sa.column("stack_id", sa.Text()),
    )
    stacks = sa.table(
        "orchestration_stacks", sa.column("id", sa.Text()), sa.column("project_id", sa.Text())
    )
    owner = sa.select(stacks.c.project_id).where(stacks.c.id == rows.c.stack_id).scalar_subquery()
    op.execute(rows.update().values(project_id=owner))
    op.drop_index("ix_orchestration_resources_step_waits_due", "orchestration_resources")
    op.create_index(
        "ix_orchestration_resources_project_id_step_waits_due",
        "orchestration_resources",
        ["project_id", "step", "waits", "due"],
    )
