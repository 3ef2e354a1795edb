"""Events in an order that no later commit changes, with the kind of resource, and their readers."""

import sqlalchemy as sa
from alembic import op

revision = "core_0003"
down_revision = "core_0002"

# What the services' events were about, until they said so themselves.
KINDS = (
    ("volume.type.%", "block_storage", "volume_type"),
    ("volume.%", "block_storage", "volume"),
    ("snapshot.%", "block_storage", "snapshot"),
    ("image.task.%", "image", "task"),
    ("image.metadef.%", "image", "metadef"),
    ("image.%", "image", "image"),
)


def upgrade() -> None:
    with op.batch_alter_table("events") as events:
        events.add_column(sa.Column("turn", sa.BigInteger(), nullable=False, server_default="0"))
        events.add_column(sa.Column("resource_type", sa.Text(), nullable=False, server_default=""))
    for pattern, service, kind in KINDS:
        op.execute(
            f"UPDATE events SET service = '{service}', resource_type = '{kind}' "
            f"WHERE type LIKE '{pattern}' AND resource_type = ''"
        )
    rest = "substr(type, length(service) + 2)"
    sqlite = f"substr({rest}, 1, instr({rest}, '.') - 1)"
    postgresql = "split_part(type, '.', 2)"
    kind_of = sqlite if op.get_bind().dialect.name == "sqlite" else postgresql
    op.execute(f"UPDATE events SET resource_type = {kind_of} WHERE resource_type = ''")
    with op.batch_alter_table("events") as events:
        events.alter_column("turn", existing_type=sa.BigInteger(), server_default=None)
        events.alter_column("resource_type", existing_type=sa.Text(), server_default=None)
        events.create_index("ix_events_turn_sequence", ["turn", "sequence"])
        events.create_index(
            "ix_events_project_id_turn_sequence", ["project_id", "turn", "sequence"]
        )
    op.create_table(
        "event_consumers",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("turn", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alive_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("dropped_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_consumers")),
    )
    op.create_table(
        "event_base",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_base")),
    )
