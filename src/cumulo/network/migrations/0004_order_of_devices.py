"""A server's ports are in the order in which they were plugged."""

import sqlalchemy as sa
from alembic import op

revision = "network_0004"
down_revision = "network_0003"


def upgrade() -> None:
    number = sa.Column("plug_order", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("network_ports", number)
    op.execute("UPDATE network_ports SET plug_order = number")
