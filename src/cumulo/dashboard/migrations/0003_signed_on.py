"""Sessions by single sign-on: whose word they go by. And an index of the idle ones."""

import sqlalchemy as sa
from alembic import op

revision = "dashboard_0003"
down_revision = "dashboard_0002"
branch_labels = None


def upgrade() -> None:
    op.add_column(
        "dashboard_sessions",
        sa.Column("signed_on", sa.Text(), nullable=False, server_default="{}"),
    )
    op.create_index(
        op.f("ix_dashboard_sessions_seen_at"), "dashboard_sessions", ["seen_at"], unique=False
    )
