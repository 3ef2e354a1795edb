"""Types of share groups."""

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0005"
down_revision = "shared_file_system_0004"
branch_labels = None


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), autoincrement=False, nullable=null)


def upgrade() -> None:
    op.create_table(
        "share_group_types",
        _text("id"),
        _text("name"),
        sa.Column("is_public", sa.Boolean(), autoincrement=False, nullable=False),
        *(_text(name) for name in ("group_specs", "share_types", "created_at")),
        _text("updated_at", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_group_types")),
        sa.UniqueConstraint("name", name=op.f("uq_share_group_types_name")),
    )
    op.create_index("ix_share_group_types_created_at", "share_group_types", ["created_at"])
    op.create_table(
        "share_group_type_projects",
        _text("type_id"),
        _text("project_id"),
        sa.ForeignKeyConstraint(["type_id"], ["share_group_types.id"], ondelete="CASCADE",
                                name=op.f("fk_share_group_type_projects_type_id")),
        sa.PrimaryKeyConstraint("type_id", "project_id",
                                name=op.f("pk_share_group_type_projects")),
    )  # fmt: skip
    op.create_index("ix_share_group_type_projects_project_id", "share_group_type_projects",
                    ["project_id"])  # fmt: skip
