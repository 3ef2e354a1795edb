"""Zones, their records, and who serves them."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0001"
down_revision = None
branch_labels = ("dns",)


def upgrade() -> None:
    op.create_table(
        "dns_changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("zone_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", "zone_id", "name", "type", name=op.f("pk_dns_changes")),
    )
    op.create_table(
        "dns_counters",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_counters")),
    )
    op.create_table(
        "dns_servers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hostname", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("started", sa.Double(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_servers")),
    )
    op.create_index(op.f("ix_dns_servers_seen"), "dns_servers", ["seen"])
    op.create_table(
        "dns_zones",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tree", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("pool_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ttl", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("refresh", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("retry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expire", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("minimum", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("attributes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("masters", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("served", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recordsets", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transferred_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_zones")),
        sa.UniqueConstraint("name", name=op.f("uq_dns_zones_name")),
    )
    op.create_index(
        "ix_dns_zones_change",
        "dns_zones",
        ["change"],
        sqlite_where=sa.text("status <> 'ACTIVE'"),
        postgresql_where=sa.text("status <> 'ACTIVE'"),
    )
    op.create_index("ix_dns_zones_project_id_created_at", "dns_zones", ["project_id", "created_at"])
    op.create_index(op.f("ix_dns_zones_tree"), "dns_zones", ["tree"])
    op.create_table(
        "dns_recordsets",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ttl", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("records", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wire", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("managed", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("served", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["zone_id"],
            ["dns_zones.id"],
            name=op.f("fk_dns_recordsets_zone_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_recordsets")),
        sa.UniqueConstraint(
            "zone_id", "name", "type", name=op.f("uq_dns_recordsets_zone_id_name_type")
        ),
    )
    op.create_index(
        "ix_dns_recordsets_change",
        "dns_recordsets",
        ["change"],
        sqlite_where=sa.text("status <> 'ACTIVE'"),
        postgresql_where=sa.text("status <> 'ACTIVE'"),
    )
    op.create_index(op.f("ix_dns_recordsets_name"), "dns_recordsets", ["name"])
    op.create_index(
        "ix_dns_recordsets_project_id_created_at", "dns_recordsets", ["project_id", "created_at"]
    )
    op.create_table(
        "dns_shares",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("target_project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["dns_zones.id"], name=op.f("fk_dns_shares_zone_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_shares")),
        sa.UniqueConstraint(
            "zone_id", "target_project_id", name=op.f("uq_dns_shares_zone_id_target_project_id")
        ),
    )
    op.create_index(op.f("ix_dns_shares_target_project_id"), "dns_shares", ["target_project_id"])
