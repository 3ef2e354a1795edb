"""Private types, what volumes may do in a second, and volumes that are offered to others."""

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0005"
down_revision = "block_storage_0004"


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), autoincrement=False, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "volume_qos_specs",
        *(_text(name) for name in ("id", "name", "consumer", "specs", "created_at")),
        _text("updated_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_qos_specs")),
        sa.UniqueConstraint("name", name=op.f("uq_volume_qos_specs_name")),
    )
    op.add_column("volume_types", _text("qos_id", nullable=True))
    op.create_index(op.f("ix_volume_types_qos_id"), "volume_types", ["qos_id"], unique=False)
    op.create_table(
        "volume_type_access",
        _text("type_id"),
        _text("project_id"),
        sa.ForeignKeyConstraint(
            ["type_id"],
            ["volume_types.id"],
            name=op.f("fk_volume_type_access_type_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("type_id", "project_id", name=op.f("pk_volume_type_access")),
    )
    op.create_index(
        op.f("ix_volume_type_access_project_id"), "volume_type_access", ["project_id"], unique=False
    )
    op.create_table(
        "volume_transfers",
        *(_text(name) for name in ("id", "volume_id", "project_id")),
        _text("name", nullable=True),
        *(_text(name) for name in ("salt", "hash")),
        sa.Column("no_snapshots", sa.Boolean(), autoincrement=False, nullable=False),
        _text("created_at"),
        sa.ForeignKeyConstraint(
            ["volume_id"],
            ["volumes.id"],
            name=op.f("fk_volume_transfers_volume_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_transfers")),
        sa.UniqueConstraint("volume_id", name=op.f("uq_volume_transfers_volume_id")),
    )
    op.create_index(
        op.f("ix_volume_transfers_project_id"), "volume_transfers", ["project_id"], unique=False
    )
    throttle = sa.Column("throttle", sa.Text(), nullable=False, server_default="{}")
    op.add_column("volume_attachments", throttle)
