"""Providers have parents, consumers have types."""

import sqlalchemy as sa
from alembic import op

revision = "placement_0002"
down_revision = "placement_0001"

_PROVIDERS = sa.table("placement_providers", sa.column("id"), sa.column("root_id"))


def upgrade() -> None:
    with op.batch_alter_table("placement_providers") as table:
        table.add_column(sa.Column("parent_id", sa.Text(), nullable=True))
        table.add_column(
            sa.Column("root_id", sa.Text(), nullable=False, server_default=sa.text("''"))
        )
    op.get_bind().execute(sa.update(_PROVIDERS).values(root_id=_PROVIDERS.c.id))
    for column in ("parent_id", "root_id"):
        op.create_index(f"ix_placement_providers_{column}", "placement_providers", [column])
    op.add_column("placement_consumers", sa.Column("type", sa.Text(), nullable=True))
