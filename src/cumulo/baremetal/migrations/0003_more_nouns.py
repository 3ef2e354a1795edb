"""Chassis, port groups, volumes, allocations, templates, rules, history; more of nodes and ports."""

import sqlalchemy as sa
from alembic import op

revision = "baremetal_0003"
down_revision = "baremetal_0002"
branch_labels = None


def upgrade() -> None:
    op.create_table(
        "baremetal_allocations",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("node_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("resource_class", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("traits", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("candidate_nodes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("last_error", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_allocations")),
        sa.UniqueConstraint("name", name=op.f("uq_baremetal_allocations_name")),
        sa.UniqueConstraint("node_id", name=op.f("uq_baremetal_allocations_node_id")),
    )
    op.create_index(
        op.f("ix_baremetal_allocations_owner"), "baremetal_allocations", ["owner"], unique=False
    )
    op.create_index(
        op.f("ix_baremetal_allocations_state"), "baremetal_allocations", ["state"], unique=False
    )
    op.create_table(
        "baremetal_chassis",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_chassis")),
    )
    op.create_table(
        "baremetal_deploy_templates",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("steps", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_deploy_templates")),
        sa.UniqueConstraint("name", name=op.f("uq_baremetal_deploy_templates_name")),
    )
    op.create_table(
        "baremetal_inspection_rules",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("priority", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sensitive", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("phase", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("conditions", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("actions", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_inspection_rules")),
    )
    op.create_table(
        "baremetal_runbooks",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("steps", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("public", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("disable_ramdisk", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("traits", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_runbooks")),
        sa.UniqueConstraint("name", name=op.f("uq_baremetal_runbooks_name")),
    )
    op.create_index(
        op.f("ix_baremetal_runbooks_owner"), "baremetal_runbooks", ["owner"], unique=False
    )
    op.create_table(
        "baremetal_history",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("node_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("event_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("severity", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("conductor", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"],
            ["baremetal_nodes.id"],
            name=op.f("fk_baremetal_history_node_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_history")),
    )
    op.create_index(
        op.f("ix_baremetal_history_node_id"), "baremetal_history", ["node_id"], unique=False
    )
    op.create_table(
        "baremetal_portgroups",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("node_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("address", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("standalone_ports_supported", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("physical_network", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("category", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("dynamic_portgroup", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("vif", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["node_id"],
            ["baremetal_nodes.id"],
            name=op.f("fk_baremetal_portgroups_node_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_portgroups")),
        sa.UniqueConstraint("address", name=op.f("uq_baremetal_portgroups_address")),
        sa.UniqueConstraint("name", name=op.f("uq_baremetal_portgroups_name")),
    )
    op.create_index(
        op.f("ix_baremetal_portgroups_node_id"), "baremetal_portgroups", ["node_id"], unique=False
    )
    op.create_table(
        "baremetal_volume_connectors",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("node_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("connector_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["node_id"],
            ["baremetal_nodes.id"],
            name=op.f("fk_baremetal_volume_connectors_node_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_volume_connectors")),
        sa.UniqueConstraint(
            "type", "connector_id", name=op.f("uq_baremetal_volume_connectors_type_connector_id")
        ),
    )
    op.create_index(
        op.f("ix_baremetal_volume_connectors_node_id"),
        "baremetal_volume_connectors",
        ["node_id"],
        unique=False,
    )
    op.create_table(
        "baremetal_volume_targets",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("node_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("volume_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("volume_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("boot_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("properties_sealed", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["node_id"],
            ["baremetal_nodes.id"],
            name=op.f("fk_baremetal_volume_targets_node_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_volume_targets")),
        sa.UniqueConstraint(
            "node_id", "boot_index", name=op.f("uq_baremetal_volume_targets_node_id_boot_index")
        ),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("allocation_id", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("chassis_id", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("lessee", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column(
            "retired", sa.Boolean(), autoincrement=False, nullable=False, server_default=sa.false()
        ),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("retired_reason", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column(
            "network_data", sa.Text(), autoincrement=False, nullable=False, server_default="{}"
        ),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("shard", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("parent_node", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column(
            "disable_power_off",
            sa.Boolean(),
            autoincrement=False,
            nullable=False,
            server_default=sa.false(),
        ),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("instance_name", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column(
            "console_enabled",
            sa.Boolean(),
            autoincrement=False,
            nullable=False,
            server_default=sa.false(),
        ),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("boot_mode", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("secure_boot", sa.Boolean(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column(
            "raid_config", sa.Text(), autoincrement=False, nullable=False, server_default="{}"
        ),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column(
            "target_raid_config",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            server_default="{}",
        ),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("bios", sa.Text(), autoincrement=False, nullable=False, server_default="[]"),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column("inventory", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_nodes",
        sa.Column(
            "working_on", sa.Text(), autoincrement=False, nullable=False, server_default="{}"
        ),
    )
    op.create_index(
        op.f("ix_baremetal_nodes_allocation_id"), "baremetal_nodes", ["allocation_id"], unique=False
    )
    op.create_index(
        op.f("ix_baremetal_nodes_chassis_id"), "baremetal_nodes", ["chassis_id"], unique=False
    )
    op.create_index(
        op.f("ix_baremetal_nodes_instance_name"), "baremetal_nodes", ["instance_name"], unique=False
    )
    op.create_index(op.f("ix_baremetal_nodes_lessee"), "baremetal_nodes", ["lessee"], unique=False)
    op.create_index(
        op.f("ix_baremetal_nodes_parent_node"), "baremetal_nodes", ["parent_node"], unique=False
    )
    op.create_index(op.f("ix_baremetal_nodes_shard"), "baremetal_nodes", ["shard"], unique=False)
    op.add_column(
        "baremetal_ports",
        sa.Column("portgroup_id", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_ports",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_ports",
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_ports",
        sa.Column("vendor", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_ports",
        sa.Column("category", sa.Text(), autoincrement=False, nullable=True),
    )
    op.add_column(
        "baremetal_ports",
        sa.Column(
            "is_smartnic",
            sa.Boolean(),
            autoincrement=False,
            nullable=False,
            server_default=sa.false(),
        ),
    )
    op.add_column(
        "baremetal_ports",
        sa.Column(
            "available_for_dynamic_portgroup",
            sa.Boolean(),
            autoincrement=False,
            nullable=False,
            server_default=sa.false(),
        ),
    )
    op.add_column(
        "baremetal_ports",
        sa.Column("vif", sa.Text(), autoincrement=False, nullable=True),
    )
    op.create_index(op.f("ix_baremetal_ports_name"), "baremetal_ports", ["name"], unique=False)
    op.create_index(
        op.f("ix_baremetal_ports_portgroup_id"), "baremetal_ports", ["portgroup_id"], unique=False
    )
