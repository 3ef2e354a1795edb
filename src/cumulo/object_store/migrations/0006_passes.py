"""When all objects were read last."""

import sqlalchemy as sa
from alembic import op

revision = "object_store_0006"
down_revision = "object_store_0005"


def upgrade() -> None:
    op.create_table(
        "object_passes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("began_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_object_passes")),
    )
