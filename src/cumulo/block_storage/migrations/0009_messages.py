"""Messages to users, frozen hosts, and volumes that go back to a snapshot."""

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0009"
down_revision = "block_storage_0008"

_NAMES = (
    *("id", "project_id", "resource_type", "resource_id", "event_id", "request_id"),
    *("level", "text", "created_at", "expires_at"),
)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), autoincrement=False, nullable=True)


def upgrade() -> None:
    op.create_table(
        "volume_messages",
        *(sa.Column(n, sa.Text(), autoincrement=False, nullable=False) for n in _NAMES),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_messages")),
    )
    for names in (
        ("project_id", "created_at"),
        ("resource_id",),
        ("created_at",),
        ("expires_at",),
    ):
        index = op.f(f"ix_volume_messages_{'_'.join(names)}")
        op.create_index(index, "volume_messages", list(names), unique=False)
    op.add_column(
        "volume_pools",
        sa.Column("frozen", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("volume_pools", _optional("disabled_reason"))
    op.add_column("volumes", _optional("reverting_to"))
    op.add_column("volume_snapshots", _optional("progress"))
