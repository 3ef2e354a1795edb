"""Sessions of application credentials: by what the session's right was lent."""

import sqlalchemy as sa
from alembic import op

revision = "dashboard_0002"
down_revision = "dashboard_0001"
branch_labels = None


def upgrade() -> None:
    op.add_column(
        "dashboard_sessions", sa.Column("lent", sa.Text(), nullable=False, server_default="{}")
    )
