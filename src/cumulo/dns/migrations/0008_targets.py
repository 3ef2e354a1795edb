"""The servers that the zones of a pool are told to; what a pool says of a zone beside what its
masters say."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0008"
down_revision = "dns_0007"


def upgrade() -> None:
    # None as yet: all that have any are told all of their zones once.
    targets = sa.Column(
        "targets", sa.Text(), autoincrement=False, nullable=False, server_default="[]"
    )
    op.add_column("dns_pool_names", targets)
    op.add_column(
        "dns_pool_names", sa.Column("told", sa.Text(), autoincrement=False, nullable=True)
    )
    op.add_column(
        "dns_zones", sa.Column("pool_fault", sa.Text(), autoincrement=False, nullable=True)
    )
    op.add_column(
        "dns_zones",
        sa.Column(
            "anew", sa.Boolean(), autoincrement=False, nullable=False, server_default=sa.false()
        ),
    )
    op.execute(
        "UPDATE dns_zones SET pool_fault = fault, fault = NULL "
        "WHERE type = 'PRIMARY' AND fault IS NOT NULL"
    )
