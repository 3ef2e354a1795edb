"""Backups of volumes."""

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0008"
down_revision = "block_storage_0007"


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(n, sa.Text(), autoincrement=False, nullable=nullable) for n in names]


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), autoincrement=False, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "volume_backups",
        *_texts("id", "project_id", "user_id"),
        *_texts("name", "description", nullable=True),
        *_texts("volume_id"),
        *_texts("snapshot_id", "parent_id", nullable=True),
        *_texts("content_id"),
        _number("size"),
        *_texts("container"),
        *_texts("availability_zone", nullable=True),
        *_texts("metadata"),
        _flag("bootable"),
        *_texts("image_metadata", nullable=True),
        _number("object_count"),
        *_texts("data_timestamp", "wanted"),
        _flag("made"),
        _number("restoring"),
        *_texts("fault", "declared", nullable=True),
        *_texts("status", "created_at"),
        *_texts("updated_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_backups")),
    )
    for names in (
        ("project_id", "created_at"),
        ("volume_id", "created_at"),
        ("snapshot_id",),
        ("parent_id",),
        ("content_id",),
        ("created_at",),
    ):
        index = op.f(f"ix_volume_backups_{'_'.join(names)}")
        op.create_index(index, "volume_backups", list(names), unique=False)
