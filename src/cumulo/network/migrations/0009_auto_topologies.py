"""Networks that were made for a project as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "network_0009"
down_revision = "network_0008"


def upgrade() -> None:
    op.create_table(
        "network_auto_topologies",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("network_id", sa.Text(), nullable=False),
        sa.Column("router_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"],
            ["network_networks.id"],
            name=op.f("fk_network_auto_topologies_network_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_network_auto_topologies")),
    )
