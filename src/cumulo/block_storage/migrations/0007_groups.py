"""Groups of volumes, their types, and their snapshots."""

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0007"
down_revision = "block_storage_0006"


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(n, sa.Text(), autoincrement=False, nullable=nullable) for n in names]


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "volume_group_types",
        *_texts("id", "name"),
        *_texts("description", nullable=True),
        _flag("is_public"),
        *_texts("group_specs", "created_at"),
        *_texts("updated_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_group_types")),
        sa.UniqueConstraint("name", name=op.f("uq_volume_group_types_name")),
    )
    op.create_table(
        "volume_groups",
        *_texts("id", "project_id", "user_id"),
        *_texts("name", "description", nullable=True),
        *_texts("group_type_id", "volume_types", "availability_zone"),
        *_texts("group_snapshot_id", "source_group_id", nullable=True),
        *_texts("wanted"),
        _flag("making"),
        *_texts("declared", nullable=True),
        *_texts("status", "created_at"),
        *_texts("updated_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["group_type_id"],
            ["volume_group_types.id"],
            name=op.f("fk_volume_groups_group_type_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_groups")),
    )
    op.create_table(
        "volume_group_snapshots",
        *_texts("id", "group_id", "project_id", "user_id"),
        *_texts("name", "description", nullable=True),
        *_texts("group_type_id", "wanted"),
        _flag("making"),
        *_texts("declared", nullable=True),
        *_texts("status", "created_at"),
        *_texts("updated_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["volume_groups.id"],
            name=op.f("fk_volume_group_snapshots_group_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_group_snapshots")),
    )
    _index("volume_groups", "project_id", "created_at")
    _index("volume_groups", "created_at")
    _index("volume_groups", "group_type_id")
    _index("volume_group_snapshots", "project_id", "created_at")
    _index("volume_group_snapshots", "created_at")
    _index("volume_group_snapshots", "group_id")
    op.add_column("volumes", *_texts("group_id", nullable=True))
    _index("volumes", "group_id")
    op.add_column("volume_snapshots", *_texts("group_snapshot_id", nullable=True))
    _index("volume_snapshots", "group_snapshot_id")


def _index(table: str, *names: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, list(names), unique=False)
