"""Zones of others: of masters, and of the servers of pools."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0003"
down_revision = "dns_0002"


def upgrade() -> None:
    op.add_column(
        "dns_zones",
        sa.Column(
            "mirrored",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            server_default=str(2**62),
        ),
    )
    op.add_column(
        "dns_zones",
        sa.Column("due", sa.Double(), autoincrement=False, nullable=False, server_default="0"),
    )
    op.add_column(
        "dns_zones",
        sa.Column(
            "attempts", sa.BigInteger(), autoincrement=False, nullable=False, server_default="0"
        ),
    )
    op.create_index(
        "ix_dns_zones_due",
        "dns_zones",
        ["due"],
        sqlite_where=sa.text("due > 0"),
        postgresql_where=sa.text("due > 0"),
    )
