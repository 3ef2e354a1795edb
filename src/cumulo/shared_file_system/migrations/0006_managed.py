"""Shares and snapshots that are being managed."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0006"
down_revision = "shared_file_system_0005"
branch_labels = None


def upgrade() -> None:
    for name in ("share_shares", "share_snapshots"):
        op.add_column(name, sa.Column("managing", sa.Boolean(), nullable=True))
        op.execute(sa.text(f"UPDATE {name} SET managing = :no")
                   .bindparams(sa.bindparam("no", False, type_=sa.Boolean())))  # fmt: skip
        with op.batch_alter_table(name) as table:
            table.alter_column("managing", nullable=False, existing_type=sa.Boolean())
