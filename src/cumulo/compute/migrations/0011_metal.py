"""Servers on nodes of bare metal."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0011"
down_revision = "compute_0010"


def upgrade() -> None:
    for table, name in (("servers", "metal"), ("servers", "look"), ("hypervisors", "metal")):
        flag: sa.Column[bool] = sa.Column(
            name, sa.Boolean(), nullable=False, server_default=sa.false()
        )
        op.add_column(table, flag)
    text = sa.text("metal AND deleted_at IS NULL")
    op.create_index(
        "ix_servers_metal", "servers", ["metal"], sqlite_where=text, postgresql_where=text
    )
