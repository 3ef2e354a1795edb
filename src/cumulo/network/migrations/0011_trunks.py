"""Trunks and their sub-ports."""

import sqlalchemy as sa
from alembic import op

revision = "network_0011"
down_revision = "network_0010"


def upgrade() -> None:
    op.create_table(
        "network_trunks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("port_id", sa.Text(), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["port_id"],
            ["network_ports.id"],
            name=op.f("fk_network_trunks_port_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_trunks")),
        sa.UniqueConstraint("port_id", name=op.f("uq_network_trunks_port_id")),
    )
    op.create_index(op.f("ix_network_trunks_project_id"), "network_trunks", ["project_id"])
    op.create_table(
        "network_subports",
        sa.Column("port_id", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.Text(), nullable=False),
        sa.Column("segmentation_type", sa.Text(), nullable=False),
        sa.Column("segmentation_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["port_id"],
            ["network_ports.id"],
            name=op.f("fk_network_subports_port_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["trunk_id"],
            ["network_trunks.id"],
            name=op.f("fk_network_subports_trunk_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("port_id", name=op.f("pk_network_subports")),
        sa.UniqueConstraint(
            "trunk_id",
            "segmentation_type",
            "segmentation_id",
            name=op.f("uq_network_subports_trunk_id_segmentation_type_segmentation_id"),
        ),
    )
    op.create_index(op.f("ix_network_subports_trunk_id"), "network_subports", ["trunk_id"])
