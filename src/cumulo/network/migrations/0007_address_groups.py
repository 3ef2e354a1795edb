"""Address groups, rules about them, and the rules that new groups are made with."""

import sqlalchemy as sa
from alembic import op

revision = "network_0007"
down_revision = "network_0006"


def upgrade() -> None:
    op.create_table(
        "network_address_groups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_address_groups")),
    )
    op.create_index(
        op.f("ix_network_address_groups_project_id"), "network_address_groups", ["project_id"]
    )
    op.create_table(
        "network_default_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("ethertype", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=True),
        sa.Column("port_range_min", sa.BigInteger(), nullable=True),
        sa.Column("port_range_max", sa.BigInteger(), nullable=True),
        sa.Column("remote_ip_prefix", sa.Text(), nullable=True),
        sa.Column("remote_group_id", sa.Text(), nullable=True),
        sa.Column("remote_address_group_id", sa.Text(), nullable=True),
        sa.Column("used_in_default_sg", sa.Boolean(), nullable=False),
        sa.Column("used_in_non_default_sg", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_default_rules")),
    )
    op.create_index(
        op.f("ix_network_default_rules_project_id"), "network_default_rules", ["project_id"]
    )
    with op.batch_alter_table("network_security_group_rules") as rules:
        rules.add_column(sa.Column("remote_address_group_id", sa.Text(), nullable=True))
        rules.create_index(
            op.f("ix_network_security_group_rules_remote_address_group_id"),
            ["remote_address_group_id"],
        )
        rules.create_foreign_key(
            op.f("fk_network_security_group_rules_remote_address_group_id"),
            "network_address_groups",
            ["remote_address_group_id"],
            ["id"],
            ondelete="RESTRICT",
        )
