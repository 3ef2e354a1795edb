"""Prices of CloudKitty's hashmap."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0004"
down_revision = "telemetry_0003"


def upgrade() -> None:
    op.create_table(
        "telemetry_hashmap_services",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_hashmap_services")),
        sa.UniqueConstraint("name", name=op.f("uq_telemetry_hashmap_services_name")),
    )
    op.create_table(
        "telemetry_hashmap_fields",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("service_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["telemetry_hashmap_services.id"],
            name=op.f("fk_telemetry_hashmap_fields_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_hashmap_fields")),
        sa.UniqueConstraint(
            "service_id", "name", name=op.f("uq_telemetry_hashmap_fields_service_id_name")
        ),
    )
    op.create_table(
        "telemetry_hashmap_groups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_hashmap_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_telemetry_hashmap_groups_name")),
    )
    needed = {"id", "service_name", "cost", "type", "name", "start", "created_at"}
    names = (
        *("id", "service_id", "field_id", "service_name", "field_name", "group_id", "tenant_id"),
        *("value", "level", "cost", "type", "name", "description", "start", "end", "deleted"),
        "created_at",
    )
    op.create_table(
        "telemetry_hashmap_prices",
        *(sa.Column(name, sa.Text(), nullable=name not in needed) for name in names),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_hashmap_prices")),
    )
    for name in ("service_id", "field_id", "group_id"):
        op.create_index(
            op.f(f"ix_telemetry_hashmap_prices_{name}"), "telemetry_hashmap_prices", [name]
        )
    op.create_table(
        "telemetry_rating_modules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_telemetry_rating_modules")),
    )
