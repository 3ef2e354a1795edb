"""Devices that come and go."""

import sqlalchemy as sa
from alembic import op

revision = "object_store_0003"
down_revision = "object_store_0002"


def upgrade() -> None:
    op.create_table(
        "object_devices",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("weight", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("region", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("since", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_object_devices")),
    )
