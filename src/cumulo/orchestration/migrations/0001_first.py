"""The first tables of orchestration."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0001"
down_revision = None
branch_labels = ("orchestration",)


def upgrade() -> None:
    op.create_table(
        "orchestration_names",
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("stack_id", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_orchestration_names")),
    )
    op.create_index(
        op.f("ix_orchestration_names_stack_id"), "orchestration_names", ["stack_id"], unique=False
    )
    op.create_table(
        "orchestration_stacks",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("roles", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("root_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("depth", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("template", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("files", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("parameters", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("timeout_mins", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("disable_rollback", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("traversal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("left", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("phase", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deadline", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("deleted_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orchestration_stacks")),
    )
    op.create_index(
        op.f("ix_orchestration_stacks_parent_id"),
        "orchestration_stacks",
        ["parent_id"],
        unique=False,
    )
    op.create_index(
        "ix_orchestration_stacks_project_id_created_at",
        "orchestration_stacks",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_orchestration_stacks_project_id_name",
        "orchestration_stacks",
        ["project_id", "name"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_orchestration_stacks_root_id"), "orchestration_stacks", ["root_id"], unique=False
    )
    op.create_index(
        "ix_orchestration_stacks_status_deadline",
        "orchestration_stacks",
        ["status", "deadline"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "orchestration_events",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stack_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("root_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("physical_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["stack_id"],
            ["orchestration_stacks.id"],
            name=op.f("fk_orchestration_events_stack_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orchestration_events")),
    )
    op.create_index(
        op.f("ix_orchestration_events_root_id"), "orchestration_events", ["root_id"], unique=False
    )
    op.create_index(
        "ix_orchestration_events_stack_id_sequence",
        "orchestration_events",
        ["stack_id", "sequence"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "orchestration_resources",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("stack_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("goal", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("traversal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("phase", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("waits", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tries", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("physical_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("made", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("stored", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("requires", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("replaces", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("deletion_policy", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hook", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["stack_id"],
            ["orchestration_stacks.id"],
            name=op.f("fk_orchestration_resources_stack_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orchestration_resources")),
    )
    op.create_index(
        "ix_orchestration_resources_physical_id",
        "orchestration_resources",
        ["physical_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_orchestration_resources_replaces"),
        "orchestration_resources",
        ["replaces"],
        unique=False,
    )
    op.create_index(
        "ix_orchestration_resources_stack_id_name",
        "orchestration_resources",
        ["stack_id", "name"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_orchestration_resources_step_waits_due",
        "orchestration_resources",
        ["step", "waits", "due"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "orchestration_edges",
        sa.Column("from_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("to_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["from_id"],
            ["orchestration_resources.id"],
            name=op.f("fk_orchestration_edges_from_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["to_id"],
            ["orchestration_resources.id"],
            name=op.f("fk_orchestration_edges_to_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("from_id", "to_id", name=op.f("pk_orchestration_edges")),
    )
    op.create_index(
        op.f("ix_orchestration_edges_to_id"), "orchestration_edges", ["to_id"], unique=False
    )
