"""The first tables of baremetal."""

import sqlalchemy as sa
from alembic import op

revision = "baremetal_0001"
down_revision = None
branch_labels = ("baremetal",)


def upgrade() -> None:
    op.create_table(
        "baremetal_nodes",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("driver", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("interfaces", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("step", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("failed", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("provision_state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("target_provision_state", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("provision_updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("job", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("power_state", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("target_power_state", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("last_error", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("maintenance", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("maintenance_reason", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("instance_uuid", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("resource_class", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("conductor_group", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("protected", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("protected_reason", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("automated_clean", sa.Boolean(), autoincrement=False, nullable=True),
        sa.Column("driver_info", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("driver_info_sealed", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("instance_info", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("instance_info_sealed", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("properties", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("traits", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("inspection_started_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("inspection_finished_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_nodes")),
        sa.UniqueConstraint("instance_uuid", name=op.f("uq_baremetal_nodes_instance_uuid")),
        sa.UniqueConstraint("name", name=op.f("uq_baremetal_nodes_name")),
    )
    op.create_index(op.f("ix_baremetal_nodes_owner"), "baremetal_nodes", ["owner"], unique=False)
    op.create_index(
        op.f("ix_baremetal_nodes_provision_state"),
        "baremetal_nodes",
        ["provision_state"],
        unique=False,
    )
    op.create_table(
        "baremetal_ports",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("node_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("local_link_connection", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("pxe_enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("physical_network", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["node_id"],
            ["baremetal_nodes.id"],
            name=op.f("fk_baremetal_ports_node_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baremetal_ports")),
        sa.UniqueConstraint("address", name=op.f("uq_baremetal_ports_address")),
    )
    op.create_index(
        op.f("ix_baremetal_ports_node_id"), "baremetal_ports", ["node_id"], unique=False
    )
