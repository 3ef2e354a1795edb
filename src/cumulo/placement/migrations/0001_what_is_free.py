"""What is free of an inventory is stored, and found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "placement_0001"
down_revision = None
branch_labels = ("placement",)


def upgrade() -> None:
    with op.batch_alter_table("placement_inventories") as table:
        table.add_column(
            sa.Column(
                "free", sa.BigInteger(), autoincrement=False, nullable=False, server_default="0"
            )
        )
    op.execute("UPDATE placement_inventories SET free = capacity - used")
    with op.batch_alter_table("placement_inventories") as table:
        table.alter_column("free", server_default=None)
    op.create_index(
        "ix_placement_inventories_resource_class_free_provider_id",
        "placement_inventories",
        ["resource_class", "free", "provider_id"],
    )
