"""Agents of deploy ramdisks."""

import sqlalchemy as sa
from alembic import op

revision = "baremetal_0002"
down_revision = "baremetal_0001"
branch_labels = None


def upgrade() -> None:
    op.create_table(
        "baremetal_agents",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("job", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("verify_ca", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("version", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("seen_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status_message", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["id"],
            ["baremetal_nodes.id"],
            name=op.f("fk_baremetal_agents_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_agents")),
    )
