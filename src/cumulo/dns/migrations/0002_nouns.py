"""What administrators keep, transfers between projects, imports and exports."""

import sqlalchemy as sa
from alembic import op

revision = "dns_0002"
down_revision = "dns_0001"


def upgrade() -> None:
    op.create_table(
        "dns_blacklists",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("pattern", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_blacklists")),
        sa.UniqueConstraint("pattern", name=op.f("uq_dns_blacklists_pattern")),
    )
    op.create_table(
        "dns_tasks",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("message", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("location", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_tasks")),
    )
    op.create_index(
        "ix_dns_tasks_project_id_type_created_at", "dns_tasks", ["project_id", "type", "created_at"]
    )
    op.create_table(
        "dns_tlds",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_tlds")),
        sa.UniqueConstraint("name", name=op.f("uq_dns_tlds_name")),
    )
    op.create_table(
        "dns_tsigkeys",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("algorithm", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_tsigkeys")),
        sa.UniqueConstraint("name", name=op.f("uq_dns_tsigkeys_name")),
    )
    op.create_table(
        "dns_transfer_accepts",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["zone_id"],
            ["dns_zones.id"],
            name=op.f("fk_dns_transfer_accepts_zone_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_transfer_accepts")),
    )
    op.create_index(
        op.f("ix_dns_transfer_accepts_project_id"), "dns_transfer_accepts", ["project_id"]
    )
    op.create_index(op.f("ix_dns_transfer_accepts_zone_id"), "dns_transfer_accepts", ["zone_id"])
    op.create_table(
        "dns_transfer_requests",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone_name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("target_project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["zone_id"],
            ["dns_zones.id"],
            name=op.f("fk_dns_transfer_requests_zone_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_transfer_requests")),
    )
    op.create_index(
        op.f("ix_dns_transfer_requests_project_id"), "dns_transfer_requests", ["project_id"]
    )
    op.create_index(
        op.f("ix_dns_transfer_requests_target_project_id"),
        "dns_transfer_requests",
        ["target_project_id"],
    )
    op.create_index(op.f("ix_dns_transfer_requests_zone_id"), "dns_transfer_requests", ["zone_id"])
