"""Which metrics alarms look at, by whose right, and whose the calls are that they make."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0002"
down_revision = "telemetry_0001"


def upgrade() -> None:
    op.create_table(
        "telemetry_alarm_metrics",
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("metric_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alarm_id"],
            ["telemetry_alarms.id"],
            name=op.f("fk_telemetry_alarm_metrics_alarm_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("alarm_id", "metric_id", name=op.f("pk_telemetry_alarm_metrics")),
    )
    op.create_index(
        "ix_telemetry_alarm_metrics_metric_id", "telemetry_alarm_metrics", ["metric_id"]
    )
    with op.batch_alter_table("telemetry_alarms") as alarms:
        alarms.add_column(sa.Column("lent", sa.Text(), nullable=False, server_default="{}"))
        alarms.add_column(sa.Column("own", sa.Boolean(), nullable=False, server_default=sa.true()))
        alarms.add_column(sa.Column("repeated_at", sa.Text(), nullable=False, server_default=""))
        alarms.drop_column("roles")
    with op.batch_alter_table("telemetry_calls") as calls:
        calls.add_column(sa.Column("project_id", sa.Text(), nullable=False, server_default=""))
