"""The first tables of telemetry."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0001"
down_revision = None
branch_labels = ("telemetry",)


def upgrade() -> None:
    op.create_table(
        "telemetry_alarms",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state_reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state_timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("severity", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("actions", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("repeat_actions", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("time_constraints", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("roles", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_alarms")),
    )
    op.create_index(
        "ix_telemetry_alarms_enabled_due",
        "telemetry_alarms",
        ["enabled", "due"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_telemetry_alarms_project_id_created_at",
        "telemetry_alarms",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "telemetry_archive_policies",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("definition", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("aggregation_methods", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("back_window", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_telemetry_archive_policies")),
    )
    op.create_table(
        "telemetry_calls",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("alarm_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tries", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_calls")),
    )
    op.create_index(
        op.f("ix_telemetry_calls_alarm_id"), "telemetry_calls", ["alarm_id"], unique=False
    )
    op.create_index(
        "ix_telemetry_calls_due",
        "telemetry_calls",
        ["due"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "telemetry_intervals",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("resource_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("facts", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("began", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ended", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_intervals")),
    )
    op.create_index(
        "ix_telemetry_intervals_ended",
        "telemetry_intervals",
        ["ended"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_telemetry_intervals_project_id_began",
        "telemetry_intervals",
        ["project_id", "began"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_telemetry_intervals_resource_id_began",
        "telemetry_intervals",
        ["resource_id", "began"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "telemetry_resources",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("original_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("creator", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attributes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ended_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("revision_start", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_resources")),
    )
    op.create_index(
        "ix_telemetry_resources_project_id_started_at",
        "telemetry_resources",
        ["project_id", "started_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_telemetry_resources_type_started_at",
        "telemetry_resources",
        ["type", "started_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "telemetry_alarm_changes",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("alarm_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("detail", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["alarm_id"],
            ["telemetry_alarms.id"],
            name=op.f("fk_telemetry_alarm_changes_alarm_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_alarm_changes")),
    )
    op.create_index(
        "ix_telemetry_alarm_changes_alarm_id_at",
        "telemetry_alarm_changes",
        ["alarm_id", "at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "telemetry_metrics",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("unit", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("archive_policy", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("creator", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["archive_policy"],
            ["telemetry_archive_policies.name"],
            name=op.f("fk_telemetry_metrics_archive_policy"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["telemetry_resources.id"],
            name=op.f("fk_telemetry_metrics_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_metrics")),
        sa.UniqueConstraint(
            "resource_id", "name", name=op.f("uq_telemetry_metrics_resource_id_name")
        ),
    )
    op.create_index(
        op.f("ix_telemetry_metrics_created_at"), "telemetry_metrics", ["created_at"], unique=False
    )
    op.create_index(
        "ix_telemetry_metrics_project_id_created_at",
        "telemetry_metrics",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "telemetry_points",
        sa.Column("metric_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("granularity", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("total", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("squares", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("least", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("most", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("first_at", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("last_at", sa.Double(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["metric_id"],
            ["telemetry_metrics.id"],
            name=op.f("fk_telemetry_points_metric_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("metric_id", "granularity", "at", name=op.f("pk_telemetry_points")),
    )
