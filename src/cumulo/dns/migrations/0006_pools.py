"""Pools that are made by the API, zones that have expired, names with their letters' case, offers
that outlive their zone."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0006"
down_revision = "dns_0005"


def upgrade() -> None:
    op.create_table(
        "dns_pools",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("attributes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ns_records", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_pools")),
        sa.UniqueConstraint("name", name=op.f("uq_dns_pools_name")),
    )
    op.create_table(
        "dns_pool_names",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("nameservers", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("after", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_pool_names")),
    )
    op.create_index(op.f("ix_dns_zones_pool_id_id"), "dns_zones", ["pool_id", "id"])
    op.add_column(
        "dns_zones",
        sa.Column(
            "expired", sa.Boolean(), autoincrement=False, nullable=False, server_default=sa.false()
        ),
    )
    for table in ("dns_zones", "dns_recordsets"):
        op.add_column(table, sa.Column("shown", sa.Text(), autoincrement=False, nullable=True))
    with op.batch_alter_table("dns_transfer_requests") as requests:
        requests.drop_constraint("fk_dns_transfer_requests_zone_id", type_="foreignkey")
