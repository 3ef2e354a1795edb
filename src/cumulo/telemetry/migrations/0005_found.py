"""When an alarm has searched for its metrics."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0005"
down_revision = "telemetry_0004"


def upgrade() -> None:
    with op.batch_alter_table("telemetry_alarms") as alarms:
        alarms.add_column(sa.Column("found_at", sa.Text(), nullable=False, server_default=""))
