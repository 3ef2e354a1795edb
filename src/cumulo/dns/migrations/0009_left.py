"""Zones that were abandoned, and are answered for."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0009"
down_revision = "dns_0008"


def upgrade() -> None:
    op.create_table(
        "dns_left",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("pool_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("left_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_left")),
        sa.UniqueConstraint("name", name=op.f("uq_dns_left_name")),
    )
