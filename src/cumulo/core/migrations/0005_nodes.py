"""Several control nodes: who they are, who does what, what they share; where a host is connected."""

import sqlalchemy as sa
from alembic import op

revision = "core_0005"
down_revision = "core_0004"


def upgrade() -> None:
    op.create_table(
        "control_nodes",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("content", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "control_node_tokens",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
    )
    op.create_table(
        "work_leases",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
    )
    op.create_table(
        "cloud_secrets",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
    )
    with op.batch_alter_table("cloud") as cloud:
        cloud.add_column(sa.Column("restored", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("cloud") as cloud:
        cloud.alter_column("restored", server_default=None)
    with op.batch_alter_table("hosts") as hosts:
        hosts.add_column(sa.Column("node_id", sa.Text(), nullable=True))
