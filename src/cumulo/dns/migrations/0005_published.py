"""Names of ports and floating IPs."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0005"
down_revision = "dns_0004"


def upgrade() -> None:
    op.create_table(
        "dns_published",
        sa.Column("holder", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["zone_id"],
            ["dns_zones.id"],
            name=op.f("fk_dns_published_zone_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("holder", "name", "address", name=op.f("pk_dns_published")),
    )
    op.create_index(
        op.f("ix_dns_published_zone_id_name_type"), "dns_published", ["zone_id", "name", "type"]
    )
