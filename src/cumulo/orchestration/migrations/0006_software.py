"""Software configurations and their deployments."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0006"
down_revision = "orchestration_0005"


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), autoincrement=False, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "orchestration_configs",
        text("id"),
        text("project_id"),
        text("name"),
        text("group"),
        text("config"),
        text("options"),
        text("inputs"),
        text("outputs"),
        text("created_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_orchestration_configs_project_id_created_at",
        "orchestration_configs",
        ["project_id", "created_at"],
    )
    op.create_table(
        "orchestration_deployments",
        text("id"),
        text("project_id"),
        text("server_id"),
        text("config_id"),
        text("action"),
        text("status"),
        text("status_reason"),
        text("input_values"),
        text("output_values"),
        text("created_at"),
        text("updated_at", nullable=True),
        text("stack_user_project_id"),
        sa.ForeignKeyConstraint(["config_id"], ["orchestration_configs.id"], ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_orchestration_deployments_config_id", "orchestration_deployments", ["config_id"]
    )
    op.create_index(
        "ix_orchestration_deployments_project_id_server_id_created_at",
        "orchestration_deployments",
        ["project_id", "server_id", "created_at"],
    )
