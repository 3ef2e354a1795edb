"""A volume's row says which image it is made from, not where a machine keeps it."""

from alembic import op

revision = "block_storage_0002"
down_revision = "block_storage_0001"


def upgrade() -> None:
    with op.batch_alter_table("volumes") as table:
        table.drop_column("source_path")
