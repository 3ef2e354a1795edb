"""Export servers know what they serve that is unmanaged."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0008"
down_revision = "shared_file_system_0007"
branch_labels = None


def upgrade() -> None:
    op.add_column("share_servers", sa.Column("unmanaged", sa.Text(), nullable=True))
    op.execute(sa.text("UPDATE share_servers SET unmanaged = '[]'"))
    with op.batch_alter_table("share_servers") as table:
        table.alter_column("unmanaged", nullable=False, existing_type=sa.Text())
