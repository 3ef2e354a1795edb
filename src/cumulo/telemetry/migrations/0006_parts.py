"""What a resource is called is looked up, and what is a part of a server ends with it."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0006"
down_revision = "telemetry_0005"

PARTS = "type IN ('instance_disk', 'instance_network_interface') AND creator = 'cumulo'"
SERVER = "substr(telemetry_resources.original_id, 1, 36)"


def upgrade() -> None:
    op.add_column("telemetry_resources", sa.Column("parent", sa.Text(), nullable=True))
    op.execute(f"UPDATE telemetry_resources SET parent = {SERVER} WHERE {PARTS}")
    # Parts of servers that are gone were never told so.
    op.execute(
        "UPDATE telemetry_resources SET ended_at = (SELECT server.ended_at "
        "FROM telemetry_resources AS server WHERE server.id = telemetry_resources.parent) "
        f"WHERE {PARTS} AND ended_at IS NULL"
    )
    op.create_index(
        "ix_telemetry_resources_original_id_project_id",
        "telemetry_resources",
        ["original_id", "project_id"],
    )
    op.create_index("ix_telemetry_resources_parent", "telemetry_resources", ["parent"])
    op.drop_index("ix_telemetry_calls_due", "telemetry_calls")
    op.create_index("ix_telemetry_calls_due_project_id", "telemetry_calls", ["due", "project_id"])
