"""A project's own default type."""

import sqlalchemy as sa
from alembic import op

revision = "block_storage_0006"
down_revision = "block_storage_0005"


def upgrade() -> None:
    op.create_table(
        "volume_default_types",
        *(
            sa.Column(name, sa.Text(), autoincrement=False, nullable=False)
            for name in ("project_id", "type_id", "created_at")
        ),
        sa.ForeignKeyConstraint(
            ["type_id"],
            ["volume_types.id"],
            name=op.f("fk_volume_default_types_type_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_volume_default_types")),
    )
    op.create_index(
        op.f("ix_volume_default_types_type_id"), "volume_default_types", ["type_id"], unique=False
    )
