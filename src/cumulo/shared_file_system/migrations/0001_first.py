"""The first tables of shared_file_system."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0001"
down_revision = None
branch_labels = ("shared_file_system",)


def upgrade() -> None:
    op.create_table(
        "share_networks",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("network_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("subnet_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("subnet_entry_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("cidr", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ip_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gateway", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("mtu", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_networks")),
    )
    op.create_index(
        op.f("ix_share_networks_created_at"), "share_networks", ["created_at"], unique=False
    )
    op.create_index(
        "ix_share_networks_project_id_created_at",
        "share_networks",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "share_types",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("is_public", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("extra_specs", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_types")),
        sa.UniqueConstraint("name", name=op.f("uq_share_types_name")),
    )
    op.create_table(
        "share_pools",
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("driver", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("total_gb", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("free_gb", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("allocated_gb", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_share_pools_host_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_share_pools")),
    )
    op.create_table(
        "share_servers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("share_network_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("observed", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("mac", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("gateway", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("mtu", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tap", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_share_servers_host_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_servers")),
        sa.UniqueConstraint(
            "share_network_id", "host_id", name=op.f("uq_share_servers_share_network_id_host_id")
        ),
    )
    op.create_index(op.f("ix_share_servers_host_id"), "share_servers", ["host_id"], unique=False)
    op.create_table(
        "share_type_projects",
        sa.Column("type_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["type_id"],
            ["share_types.id"],
            name=op.f("fk_share_type_projects_type_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("type_id", "project_id", name=op.f("pk_share_type_projects")),
    )
    op.create_index(
        op.f("ix_share_type_projects_project_id"),
        "share_type_projects",
        ["project_id"],
        unique=False,
    )
    op.create_table(
        "share_shares",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("protocol", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("share_network_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("server_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("snapshot_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("is_public", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("availability_zone", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed_generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed_size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lost", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("declared", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_share_shares_host_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"],
            ["share_servers.id"],
            name=op.f("fk_share_shares_server_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["share_network_id"],
            ["share_networks.id"],
            name=op.f("fk_share_shares_share_network_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["type_id"],
            ["share_types.id"],
            name=op.f("fk_share_shares_type_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_shares")),
    )
    op.create_index(
        op.f("ix_share_shares_created_at"), "share_shares", ["created_at"], unique=False
    )
    op.create_index(op.f("ix_share_shares_host_id"), "share_shares", ["host_id"], unique=False)
    op.create_index(
        "ix_share_shares_project_id_created_at",
        "share_shares",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(op.f("ix_share_shares_server_id"), "share_shares", ["server_id"], unique=False)
    op.create_index(
        op.f("ix_share_shares_share_network_id"), "share_shares", ["share_network_id"], unique=False
    )
    op.create_index(
        op.f("ix_share_shares_snapshot_id"), "share_shares", ["snapshot_id"], unique=False
    )
    op.create_index(op.f("ix_share_shares_type_id"), "share_shares", ["type_id"], unique=False)
    op.create_table(
        "share_access_rules",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("share_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("access_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("access_to", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("access_level", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("applied", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("told", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("final", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["share_id"],
            ["share_shares.id"],
            name=op.f("fk_share_access_rules_share_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_access_rules")),
        sa.UniqueConstraint(
            "share_id",
            "access_type",
            "access_to",
            name=op.f("uq_share_access_rules_share_id_access_type_access_to"),
        ),
    )
    op.create_index(
        op.f("ix_share_access_rules_created_at"), "share_access_rules", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_share_access_rules_share_id"), "share_access_rules", ["share_id"], unique=False
    )
    op.create_table(
        "share_snapshots",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("share_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("protocol", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("declared", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_share_snapshots_host_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["share_id"],
            ["share_shares.id"],
            name=op.f("fk_share_snapshots_share_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_snapshots")),
    )
    op.create_index(
        op.f("ix_share_snapshots_created_at"), "share_snapshots", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_share_snapshots_host_id"), "share_snapshots", ["host_id"], unique=False
    )
    op.create_index(
        "ix_share_snapshots_project_id_created_at",
        "share_snapshots",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_share_snapshots_share_id"), "share_snapshots", ["share_id"], unique=False
    )
