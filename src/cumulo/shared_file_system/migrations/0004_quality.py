"""QoS types; how far an administrator says that a share's migration is."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0004"
down_revision = "shared_file_system_0003"
branch_labels = None


def upgrade() -> None:
    op.create_table(
        "share_qos_types",
        *(sa.Column(name, sa.Text(), autoincrement=False, nullable=null) for name, null in (
            ("id", False), ("name", False), ("description", True), ("specs", False),
            ("created_at", False), ("updated_at", True))),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_qos_types")),
        sa.UniqueConstraint("name", name=op.f("uq_share_qos_types_name")),
    )  # fmt: skip
    op.create_index("ix_share_qos_types_created_at", "share_qos_types", ["created_at"])
    op.add_column("share_shares", sa.Column("task_state", sa.Text(), nullable=True))
