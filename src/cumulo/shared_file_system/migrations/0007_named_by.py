"""Who has named a share network's place."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0007"
down_revision = "shared_file_system_0006"
branch_labels = None


def upgrade() -> None:
    """Those that were looked at already keep what they were given."""
    name = "share_network_subnets"
    op.add_column(name, sa.Column("by_admin", sa.Boolean(), nullable=True))
    op.execute(sa.text(f"UPDATE {name} SET by_admin = (cidr IS NOT NULL)"))
    with op.batch_alter_table(name) as table:
        table.alter_column("by_admin", nullable=False, existing_type=sa.Boolean())
