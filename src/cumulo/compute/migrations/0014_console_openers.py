"""Who has asked for a console: it ends with their right."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0014"
down_revision = "compute_0013"


def upgrade() -> None:
    for name, default in (("user_id", ""), ("roles", "[]"), ("lent", "{}")):
        op.add_column(
            "console_tokens", sa.Column(name, sa.Text(), nullable=False, server_default=default)
        )
    op.add_column("console_tokens", sa.Column("project_id", sa.Text()))
