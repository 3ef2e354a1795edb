"""Durable jobs."""

import sqlalchemy as sa
from alembic import op

revision = "core_0001"
down_revision = None
branch_labels = ("core",)


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("undoing", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("memo", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lease_by", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("nudged", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("cancel", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("progress", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_kind_project_id_due", "jobs", ["kind", "project_id", "due"])
    op.create_index(op.f("ix_jobs_subject"), "jobs", ["subject"])
    op.create_index(op.f("ix_jobs_due"), "jobs", ["due"])
