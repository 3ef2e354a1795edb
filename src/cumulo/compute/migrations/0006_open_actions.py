"""Actions that are not over are found without those that are."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0006"
down_revision = "compute_0005"


def upgrade() -> None:
    text = sa.text("result IS NULL")
    op.create_index(
        "ix_server_actions_server_id",
        "server_actions",
        ["server_id"],
        sqlite_where=text,
        postgresql_where=text,
    )
