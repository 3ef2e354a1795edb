"""Consoles that users may open for a while."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0004"
down_revision = "compute_0003"


def upgrade() -> None:
    op.create_table(
        "console_tokens",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("server_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ends_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_tokens")),
    )
    op.create_index(op.f("ix_console_tokens_server_id"), "console_tokens", ["server_id"])
    op.create_index(op.f("ix_console_tokens_ends_at"), "console_tokens", ["ends_at"])
