"""Where the addresses of subnets come from."""

import sqlalchemy as sa
from alembic import op

revision = "network_0006"
down_revision = "network_0005"


def upgrade() -> None:
    op.create_table(
        "network_address_scopes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("ip_version", sa.BigInteger(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_address_scopes")),
    )
    op.create_index(
        op.f("ix_network_address_scopes_project_id"), "network_address_scopes", ["project_id"]
    )
    op.create_table(
        "network_subnetpools",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("ip_version", sa.BigInteger(), nullable=False),
        sa.Column("prefixes", sa.Text(), nullable=False),
        sa.Column("default_prefixlen", sa.BigInteger(), nullable=False),
        sa.Column("min_prefixlen", sa.BigInteger(), nullable=False),
        sa.Column("max_prefixlen", sa.BigInteger(), nullable=False),
        sa.Column("default_quota", sa.BigInteger(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("address_scope_id", sa.Text(), nullable=True),
        sa.Column("allocations", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_scope_id"],
            ["network_address_scopes.id"],
            name=op.f("fk_network_subnetpools_address_scope_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_subnetpools")),
    )
    op.create_index(
        op.f("ix_network_subnetpools_address_scope_id"), "network_subnetpools", ["address_scope_id"]
    )
    op.create_index(
        op.f("ix_network_subnetpools_project_id"), "network_subnetpools", ["project_id"]
    )
    types = sa.Column("service_types", sa.Text(), nullable=False, server_default="[]")
    with op.batch_alter_table("network_subnets") as subnets:
        subnets.add_column(types)
        subnets.add_column(sa.Column("subnetpool_id", sa.Text(), nullable=True))
        subnets.create_index(op.f("ix_network_subnets_subnetpool_id"), ["subnetpool_id"])
        subnets.create_foreign_key(
            op.f("fk_network_subnets_subnetpool_id"),
            "network_subnetpools",
            ["subnetpool_id"],
            ["id"],
            ondelete="RESTRICT",
        )
