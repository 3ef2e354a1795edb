"""Points know how much a counter grew, resources what they were; rules, types and quotas of one's
own; the history of an alarm outlives it."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0003"
down_revision = "telemetry_0002"

_OLD = (
    "metric_id, granularity, at, count, total, squares, least, most, first, first_at, last, last_at"
)
_GROWN = "CASE WHEN before IS NULL THEN last - first WHEN last >= before THEN last - before ELSE last END"
_STEPS = "CASE WHEN before IS NULL THEN count - 1 ELSE count END"


def upgrade() -> None:
    _points()
    _resources()
    _alarms()


def _points() -> None:
    op.rename_table("telemetry_points", "telemetry_old_points")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_telemetry_points RENAME TO pk_telemetry_old_points")
    doubles = [
        "total",
        "squares",
        "least",
        "most",
        "first",
        "first_at",
        "last",
        "last_at",
        "grown",
        "grown_squares",
        "grown_least",
        "grown_most",
        "grown_first",
        "grown_last",
    ]
    op.create_table(
        "telemetry_points",
        sa.Column("metric_id", sa.Text(), nullable=False),
        sa.Column("granularity", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in doubles[:8]),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in doubles[8:]),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("metric_id", "granularity", "at", name=op.f("pk_telemetry_points")),
    )
    # Of what was there before it is only known how much it grew in all.
    op.execute(
        f"INSERT INTO telemetry_points ({_OLD}, steps, grown, grown_squares, grown_least, "
        f"grown_most, grown_first, grown_last) SELECT {_OLD}, steps, grown, "
        "CASE WHEN steps = 0 THEN 0 ELSE grown * grown / steps END, "
        + ", ".join(["CASE WHEN steps = 0 THEN 0 ELSE grown / steps END"] * 4)
        + f" FROM (SELECT {_OLD}, {_STEPS} AS steps, "
        f"CASE WHEN {_STEPS} = 0 THEN 0 ELSE {_GROWN} END AS grown FROM (SELECT {_OLD}, "
        "LAG(last) OVER (PARTITION BY metric_id, granularity ORDER BY at) AS before "
        "FROM telemetry_old_points) AS seen) AS counted"
    )
    op.drop_table("telemetry_old_points")
    op.create_table(
        "telemetry_gone_metrics",
        sa.Column("metric_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("metric_id", name=op.f("pk_telemetry_gone_metrics")),
    )


def _resources() -> None:
    op.create_table(
        "telemetry_archive_policy_rules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("metric_pattern", sa.Text(), nullable=False),
        sa.Column("archive_policy", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["archive_policy"],
            ["telemetry_archive_policies.name"],
            name=op.f("fk_telemetry_archive_policy_rules_archive_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_telemetry_archive_policy_rules")),
    )
    op.create_index(
        op.f("ix_telemetry_archive_policy_rules_archive_policy"),
        "telemetry_archive_policy_rules",
        ["archive_policy"],
    )
    op.create_table(
        "telemetry_resource_types",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_telemetry_resource_types")),
    )
    op.add_column("telemetry_resources", sa.Column("server_group", sa.Text(), nullable=True))
    op.create_index(
        "ix_telemetry_resources_server_group_project_id",
        "telemetry_resources",
        ["server_group", "project_id"],
    )
    op.create_index("ix_telemetry_resources_ended_at", "telemetry_resources", ["ended_at"])
    op.create_table(
        "telemetry_resource_revisions",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("revision_start", sa.Text(), nullable=False),
        sa.Column("revision_end", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["telemetry_resources.id"],
            name=op.f("fk_telemetry_resource_revisions_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_resource_revisions")),
    )
    op.create_index(
        "ix_telemetry_resource_revisions_resource_id_revision_start",
        "telemetry_resource_revisions",
        ["resource_id", "revision_start"],
    )


def _alarms() -> None:
    op.add_column(
        "telemetry_alarms",
        sa.Column("searches", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    with op.batch_alter_table("telemetry_alarms") as alarms:
        alarms.alter_column("searches", existing_type=sa.Boolean(), server_default=None)
    op.create_index(
        "ix_telemetry_alarms_type_project_id", "telemetry_alarms", ["type", "project_id"]
    )
    with op.batch_alter_table("telemetry_alarm_changes") as changes:
        changes.drop_constraint("fk_telemetry_alarm_changes_alarm_id", type_="foreignkey")
        changes.add_column(sa.Column("severity", sa.Text(), nullable=False, server_default="low"))
        changes.add_column(sa.Column("by_project_id", sa.Text(), nullable=True))
    op.execute("UPDATE telemetry_alarm_changes SET by_project_id = project_id")
    op.create_index(
        "ix_telemetry_alarm_changes_project_id_at", "telemetry_alarm_changes", ["project_id", "at"]
    )
    op.create_table(
        "telemetry_quotas",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource", name=op.f("pk_telemetry_quotas")),
    )
