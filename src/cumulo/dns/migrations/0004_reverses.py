"""Reverse names of floating IPs."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0004"
down_revision = "dns_0003"


def upgrade() -> None:
    op.create_table(
        "dns_reverses",
        sa.Column("floatingip_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("recordset_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["recordset_id"],
            ["dns_recordsets.id"],
            name=op.f("fk_dns_reverses_recordset_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("floatingip_id", name=op.f("pk_dns_reverses")),
        sa.UniqueConstraint("recordset_id", name=op.f("uq_dns_reverses_recordset_id")),
    )
