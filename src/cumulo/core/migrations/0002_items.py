"""What hosts shall be, as items by version; which cloud this is; what nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "core_0002"
down_revision = "core_0001"


def upgrade() -> None:
    host = ["hosts.id"]
    op.create_table(
        "cloud",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("incarnation", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "host_items",
        sa.Column("host_id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], host, name=op.f("fk_host_items_host_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(
        op.f("ix_host_items_host_id_kind_version"), "host_items", ["host_id", "kind", "version"]
    )
    op.create_table(
        "host_unknown",
        sa.Column("host_id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("found_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], host, name=op.f("fk_host_unknown_host_id"), ondelete="CASCADE"
        ),
    )
