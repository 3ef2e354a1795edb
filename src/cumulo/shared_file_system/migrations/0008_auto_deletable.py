"""Export servers that may serve what is unmanaged."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0008"
down_revision = "shared_file_system_0007"
branch_labels = None


def upgrade() -> None:
    op.add_column("share_servers", sa.Column("auto_deletable", sa.Boolean(), nullable=True))
    op.execute(sa.text("UPDATE share_servers SET auto_deletable = :yes")
               .bindparams(sa.bindparam("yes", True, type_=sa.Boolean())))  # fmt: skip
    with op.batch_alter_table("share_servers") as table:
        table.alter_column("auto_deletable", nullable=False, existing_type=sa.Boolean())
