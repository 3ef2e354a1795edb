"""Ports of floating IPs that lead to ports of guests."""

import sqlalchemy as sa
from alembic import op

revision = "network_0008"
down_revision = "network_0007"


def upgrade() -> None:
    op.create_table(
        "network_port_forwardings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("floatingip_id", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("external_port", sa.BigInteger(), nullable=False),
        sa.Column("internal_port_id", sa.Text(), nullable=False),
        sa.Column("internal_ip_address", sa.Text(), nullable=False),
        sa.Column("internal_port", sa.BigInteger(), nullable=False),
        sa.Column("router_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["floatingip_id"],
            ["network_floatingips.id"],
            name=op.f("fk_network_port_forwardings_floatingip_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_port_forwardings")),
        sa.UniqueConstraint(
            "floatingip_id",
            "protocol",
            "external_port",
            name=op.f("uq_network_port_forwardings_floatingip_id_protocol_external_port"),
        ),
        sa.UniqueConstraint(
            "internal_port_id",
            "internal_ip_address",
            "protocol",
            "internal_port",
            name=op.f(
                "uq_network_port_forwardings_internal_port_id_internal_ip_address_protocol_internal_port"
            ),
        ),
    )
    op.create_index(
        op.f("ix_network_port_forwardings_project_id"), "network_port_forwardings", ["project_id"]
    )
    op.create_index(
        op.f("ix_network_port_forwardings_router_id"), "network_port_forwardings", ["router_id"]
    )
