"""The last event of a tree is found without a look at the others."""

from alembic import op

revision = "orchestration_0011"
down_revision = "orchestration_0010"


def upgrade() -> None:
    op.create_index(
        "ix_orchestration_events_root_id_sequence",
        "orchestration_events",
        ["root_id", "sequence"],
    )
    op.drop_index("ix_orchestration_events_root_id", "orchestration_events")
