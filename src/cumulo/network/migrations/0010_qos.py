"""QoS policies, and what has them."""

import sqlalchemy as sa
from alembic import op

revision = "network_0010"
down_revision = "network_0009"


def upgrade() -> None:
    op.create_table(
        "network_qos_policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_qos_policies")),
    )
    op.create_index(
        op.f("ix_network_qos_policies_project_id"), "network_qos_policies", ["project_id"]
    )
    op.create_table(
        "network_qos_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["network_qos_policies.id"],
            name=op.f("fk_network_qos_rules_policy_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_qos_rules")),
    )
    op.create_index(op.f("ix_network_qos_rules_policy_id"), "network_qos_rules", ["policy_id"])
    for name in ("network_floatingips", "network_networks", "network_ports"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("qos_policy_id", sa.Text(), nullable=True))
            table.create_index(op.f(f"ix_{name}_qos_policy_id"), ["qos_policy_id"])
            table.create_foreign_key(
                op.f(f"fk_{name}_qos_policy_id"),
                "network_qos_policies",
                ["qos_policy_id"],
                ["id"],
                ondelete="RESTRICT",
            )
