"""How hosts reach one another, and which networks' ports changed."""

import sqlalchemy as sa
from alembic import op

revision = "network_0002"
down_revision = "network_0001"


def upgrade() -> None:
    op.create_table(
        "network_hosts",
        sa.Column("host_id", sa.Text(), primary_key=True),
        sa.Column("tunnel", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_network_hosts_host_id"), ondelete="CASCADE"
        ),
    )
    op.create_table(
        "network_changes",
        sa.Column("network_id", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"],
            ["network_networks.id"],
            name=op.f("fk_network_changes_network_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        op.f("ix_network_changes_pending"),
        "network_changes",
        ["pending"],
        sqlite_where=sa.text("pending"),
        postgresql_where=sa.text("pending"),
    )
