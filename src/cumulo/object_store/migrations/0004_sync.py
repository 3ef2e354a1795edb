"""Containers that are sent on to others."""

import sqlalchemy as sa
from alembic import op

revision = "object_store_0004"
down_revision = "object_store_0003"


def upgrade() -> None:
    op.create_table(
        "object_syncs",
        sa.Column("container_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("container_id", name=op.f("pk_object_syncs")),
    )
    op.create_table(
        "object_synced",
        sa.Column("container_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("container_id", "name", name=op.f("pk_object_synced")),
    )
