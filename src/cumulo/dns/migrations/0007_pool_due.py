"""What a zone's pool is to be told has a time of its own: a secondary zone has both, that and its
masters'."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0007"
down_revision = "dns_0006"


def upgrade() -> None:
    for name, kind in (("pool_due", sa.Double()), ("pool_attempts", sa.BigInteger())):
        op.add_column(
            "dns_zones",
            sa.Column(name, kind, autoincrement=False, nullable=False, server_default="0"),
        )
    op.execute(
        "UPDATE dns_zones SET pool_due = due, pool_attempts = attempts, due = 0, attempts = 0 "
        "WHERE type = 'PRIMARY'"
    )
    op.create_index(
        op.f("ix_dns_zones_pool_id_pool_due"),
        "dns_zones",
        ["pool_id", "pool_due"],
        sqlite_where=sa.text("pool_due > 0"),
        postgresql_where=sa.text("pool_due > 0"),
    )
